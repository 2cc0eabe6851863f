#pragma once
// One rank from start to end: its device, streams, library handles and pinned weights.
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "arena/facts.hpp"
#include "compute/libraries.hpp"
#include "device/device.hpp"
#include "device/pinned_memory.hpp"
#include "device/streams.hpp"
#include "program/program.hpp"
#include "ranks/group.hpp"
#include "ranks/watchdog.hpp"
#include "session/arena_surveyor.hpp"
#include "session/options.hpp"
#include "transport/transport.hpp"
#include "weights/given_inputs.hpp"
#include "weights/weight_arena.hpp"

namespace chunkflow {

/// A double-buffered pinned bounce buffer, for transfers whose host memory is not page-locked.
struct Bounce {
  static constexpr std::size_t HALF_BYTES = std::size_t{16} << 20;
  explicit Bounce(Device& device) : memory(device, 2 * HALF_BYTES) {}
  std::byte* half(std::size_t index) const { return memory.data() + (index & 1) * HALF_BYTES; }
  PinnedMemory memory;
};

class Session {
 public:
  /// Collective; on the thread that will drive the rank. The weights are not there yet.
  /// @param giveUp see Watchdog.
  Session(const Program& program, const Options& options, Group& group, int deviceIndex,
          std::function<void(const std::string&)> giveUp);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Collective: checks that every chosen plan fits the devices and the host, and that given inputs fit the program, then
  /// lays out, fills and pins the weights.
  /// @throws UserError that says what is needed, what is there, and which plans would fit.
  void prepare();

  /// Polls all streams until they are idle; it does not block in CUDA, so that another rank's failure is seen. @throws RunError
  /// on failure. @param meanwhile called at every poll.
  void waitIdle(const std::function<void()>& meanwhile = {});
  /// Waits for the device, then for the other ranks.
  void meet();

  /// What the watchdog must end when the run fails; null pointers for none.
  void watch(Transport* transport, Staging* staging);
  /// For a run that has failed: ends the waits of this rank and waits a few seconds for its device. False if it stays
  /// busy; then nothing of this session may be destroyed.
  bool letGo(const std::string& why);

  /// A transport of the plan's collectives; null where they need none. NCCL's is kept once `keepTransports` is called,
  /// because making one takes a second.
  std::shared_ptr<Transport> transportFor(const PlanProgram& plan, Staging* staging);
  void keepTransports() { keepTransports_ = true; }

  /// What --inputs gives; once `prepare` has been called.
  const GivenInputs& given() const { return *given_; }

  /// What a survey of the arenas has found; null where none was asked for, or nothing is streamed.
  const ArenaFacts* arenaFacts() const { return arenaFacts_ ? &*arenaFacts_ : nullptr; }

  /// The cosines and sines of a rotary input for this rank, given or worked out, once.
  const std::vector<float>& rotaryTable(const Input& input);

  /// How many ranks use this rank's device.
  int deviceSharers() const { return deviceSharers_; }
  int groupRank() const { return group.place().rank % program.groupSize; }
  std::uint32_t* gate() const { return reinterpret_cast<std::uint32_t*>(words_.data()); }
  /// Grows by one with every step that ends.
  std::uint32_t* progress() const { return reinterpret_cast<std::uint32_t*>(words_.data() + 64); }
  /// Device bytes that were in use through this process before the first plan: context and libraries.
  std::size_t contextBytes() const { return contextBytes_; }

  const Program& program;
  const Options& options;
  Group& group;
  const std::unique_ptr<Device> device;
  const Streams streams;
  Compute compute;
  const Bounce bounce;

 private:
  std::string failure();
  void release(const std::string& why);
  void checkDeviceMemory() const;
  void checkHostMemory() const;

  // In session_arena.cpp.
  void checkSurvey() const;
  void layOutArena();
  SlotsByRank chosenSlots(ArenaFacts& facts);
  std::uint64_t spareArenaBytes();

  PinnedMemory words_;
  int deviceSharers_ = 1;
  std::size_t contextBytes_ = 0;
  bool keepTransports_ = false;
  std::shared_ptr<Transport> nccl_;
  std::unique_ptr<GivenInputs> given_;
  std::map<const Input*, std::vector<float>> tables_;
  std::mutex watchedMutex_;
  Transport* watchedTransport_ = nullptr;
  Staging* watchedStaging_ = nullptr;
  std::optional<ArenaFacts> arenaFacts_;

 public:
  WeightArena arena;
  std::unique_ptr<WeightValues> values;

 private:
  /// While it surveys, and behind a survey that has failed: the device may still wait for its flags.
  std::unique_ptr<ArenaSurveyor> surveyor_;

 public:
  /// Last, because its thread looks at everything above.
  Watchdog watchdog;
};

/// Bytes as people read them, such as "1.50 GiB".
std::string gibText(std::uint64_t bytes);

}  // namespace chunkflow
