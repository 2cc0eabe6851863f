#pragma once
// A plan attached to a user's model: the model reports the points that it passes (a block or a collective begins or ends), and the
// plan's copies and waits for that point are enqueued. All waits are on the device; the host only ever waits for the copy worker
// to have enqueued.
//
// The plan assumes that blocks run in order, pass after pass. A block out of order is a restart: streams are joined, and
// what the plan would have copied ahead of this block is copied now. That is always right, and as slow as copying on demand.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "attached/attached_rank.hpp"
#include "attached/link.hpp"
#include "attached/weight_store.hpp"

namespace chunkflow {

/// What has happened since the start.
struct AttachedCounts {
  std::uint64_t begins = 0;       // blocks
  std::uint64_t restarts = 0;     // the first block and blocks out of order, and those behind a change of weights
  std::uint64_t lateWindows = 0;  // whose copies went at the block's end, because the model did not pass their collective
  std::uint64_t unplanned = 0;    // collectives that the plan does not have
  std::uint64_t exchanged = 0;    // collectives that the plan has carried itself
  std::uint64_t chunks = 0, bytes = 0;
  std::uint64_t waitedNs = 0;  // in which the model's thread waited, at points that it passed, for the worker to enqueue
};

class Attached {
 public:
  /// Allocates slots, resident fronts and the pinned host copy, or its own view of one that processes share.
  /// @param pinnedLimit bytes; 0: no limit. @throws UserError, RunError
  Attached(const AttachedProgram& program, int device, std::uint64_t pinnedLimit, const SharedCopy& shared = {});
  ~Attached();
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

  /// A block's weights as one piece when it is in that slot; null where it never is.
  std::byte* device(int block, int slot) const;
  /// Bytes [from, from + bytes) of a block, from plain host memory or from this device's, or to plain host memory. Waits for the
  /// device; what fills the source must have ended.
  void load(int block, const std::byte* source, bool isOnDevice, std::uint64_t from, std::uint64_t bytes);
  void read(int block, std::byte* host, std::uint64_t from, std::uint64_t bytes);
  /// Marks the contents of all slots as stale.
  void invalidate();

  // Points that the model passes, on the stream that its kernels are launched to.
  /// @returns the block's slot; -1 where all of it is resident.
  int begin(int block, void* stream);
  void collectiveBegins(int index, void* stream);
  void collectiveEnds(int index, void* stream);
  void end(int block, void* stream);

  /// For a plan that carries collectives itself: joins the ranks of this host. Collective.
  void join(const LinkCalls& calls, int rank, int ranks);
  /// In place of one of the model's own collectives, all-to-all or all-gather: what begins and ends it, and its bytes. What the
  /// rank keeps to itself is not moved. The stream goes on when the result is there.
  /// @param bytesPerPeer of the message to each peer. @throws UserError where the plan has another size, RunError when a
  /// rank has ended.
  void exchange(int index, const std::byte* send, std::byte* recv, std::uint64_t bytesPerPeer, void* stream);

  /// Waits for all copies and kernels; not counted in `waitedNs`.
  void synchronize();
  AttachedCounts counts() const;

 private:
  int blocks() const { return program_.program.blocksPerPass; }
  const PlanProgram& plan() const { return program_.program.plans[0]; }
  bool carriesCollectives() const;
  void checkBlock(int block) const;
  void checkRange(int block, std::uint64_t from, std::uint64_t bytes) const;
  int slotNow(int block) const;
  /// Of bytes [from, from + bytes) of a block, how many are in its resident front.
  std::uint64_t residentPart(int block, std::uint64_t from, std::uint64_t bytes) const;
  std::byte* residentFront(int block) const;
  void useStream(void* handle);
  void restart(int block);
  /// Runs the hooks of the running block that come before this number, and hands over what they want.
  void runHooks(std::size_t end, bool isLate);

  const AttachedProgram& program_;
  std::unique_ptr<Device> device_;
  CopyStreams streams_;
  std::unique_ptr<PlanMemory> memory_;
  std::unique_ptr<WeightStore> store_;
  std::unique_ptr<CopyWorker> worker_;
  std::unique_ptr<Link> link_;  // where the plan carries collectives itself
  std::unique_ptr<Event> joined_[2];
  std::vector<PlannedCopy> copies_;
  std::unique_ptr<Rank::Impl> rankState_;
  std::unique_ptr<Rank> rank_;
  std::unique_ptr<Stream> compute_;
  void* handle_ = nullptr;
  /// The block that is to begin next, and the one that has begun and not ended; -1 for none.
  int next_ = 0, running_ = -1;
  std::size_t nextHook_ = 0;
  bool isStale_ = true;
  AttachedCounts counts_{};
  std::chrono::nanoseconds notAtPoints_{0};  // of what the worker was waited for
};

/// What the library is for, as JSON.
std::string attachedFacts(const AttachedProgram& program, const char* backend);

}  // namespace chunkflow
