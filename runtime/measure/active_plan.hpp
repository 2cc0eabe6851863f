#pragma once
// A plan that is loaded on one rank: its memory and collectives, and the ways to run its steps (eager, graph, verified, traced).
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plan/rank_impl.hpp"
#include "program/rank.hpp"
#include "session/session.hpp"

namespace chunkflow {

/// Times of consecutive steps.
struct StepTimes {
  /// Eagerly one reading a step; as a graph one a launch, divided by its steps.
  std::vector<double> stepS, enqueueS;
  DeviceClock clock{};  // in the middle of them
};

/// Times of one case of a calibration program on this rank, in seconds.
struct CaseTimes {
  std::vector<double> callS;     // each collective, from the compute stream and back to it
  double downS = 0, upS = 0;     // all chunks of a direction; 0 without any
  double windowS = 0;            // from the first call's start to the last one's end
  double windowBytes = 0;        // chunks to the device meanwhile
  bool outlasted = true;         // whether there were chunks until the last call's end
};

/// Time of a segment that runs alone.
struct SegmentTimes {
  double runS;  // median
  int runs;
  DeviceClock clock;
};

/// Load on the device while a segment is measured.
enum class Beside : std::uint8_t { Nothing, Copies, Collectives };

/// How a segment is measured.
struct SegmentRun {
  double gapS = 0;  // pause after each run
  Beside beside = Beside::Nothing;
  double seconds = 0;  // about so long
};

/// Copies to the device with a pause after each.
struct PacedCopies {
  std::uint64_t chunkBytes;
  int chunks;
  double paceS;
};

/// Times of paced copies while a segment ran repeatedly.
struct PacedTimes {
  double periodS;  // from a copy to the next, on average
  bool outlasted;  // whether the segment ran until the last of them ended
};

struct OutputDigest {
  std::uint64_t digest;
  bool finite;
};

class ActivePlan {
 public:
  /// Collective. Takes the memory, uploads what stays, fills the inputs. @throws UserError when memory is short.
  ActivePlan(Session& session, int index);
  /// The device is idle on every rank, or the run has failed.
  ~ActivePlan();
  ActivePlan(const ActivePlan&) = delete;
  ActivePlan& operator=(const ActivePlan&) = delete;

  const int index;
  const PlanProgram& plan;
  const StepShape& shape() const { return rank_->impl().shape; }
  std::uint64_t pinnedBytes() const;

  /// Collective. Runs the segments of one step alone, so that libraries have loaded and chosen what they need.
  void rehearse();
  /// Collective. Poisons slots and activations, then fills the slots and the residual stream as they are before step 0.
  void restart();

  /// Runs `unrecorded` steps and then `recorded` ones, all of them back to back.
  StepTimes eager(int unrecorded, int recorded);
  /// Whether its steps can be captured.
  bool capturable() const { return !shape().pageable; }
  /// Steps of its graph: the slots and the halves of staging are then where they were.
  int graphSteps() const;
  /// The same in launches of the graph, right behind a restart; captures it at first.
  StepTimes graph(int unrecorded, int recorded);
  /// Two steps with sums over all streamed weights, behind a restart.
  Verdict verify();
  /// `unrecorded` steps and then some traced ones. The traced steps' seconds.
  std::vector<double> trace(int unrecorded, int traced);
  /// Of one of the steps traced last.
  Intervals traced(std::size_t step) const { return tracers_[step]->intervals(); }

  /// Collective. Runs a case of a calibration program. @param landing pinned memory of a block's size, for copies up.
  CaseTimes runCase(const CalibrationCase& wanted, std::byte* landing);
  /// Runs one segment over and over, for about so long, with a pause after each; behind a step, which has left it its inputs.
  SegmentTimes runSegment(const StepShape::Place& place, const SegmentRun& wanted);
  /// Runs paced copies beside one segment that takes about `runS` each time; behind a step.
  PacedTimes paceBeside(const StepShape::Place& place, double runS, const PacedCopies& wanted);

  /// Of each residual, with the device idle.
  std::vector<OutputDigest> outputs();
  /// Collective, with the device idle. Rank 0 writes the residuals of all ranks to <folder>/<program>-plan<index>.safetensors,
  /// under their names. @param steps since the inputs, for the file's metadata. Returns the file's path.
  std::string saveOutputs(const std::string& folder, int steps);

 private:
  void upload();
  void fillInputs();
  /// Bytes from ordinary memory to the device, by way of the bounce memory.
  void copyIn(std::byte* device, std::size_t bytes, const std::function<void(std::size_t, std::size_t, std::byte*)>& make);
  bool isFinite(const Residual& residual);
  /// Fills device memory with this rank's rows of a given tensor.
  void copyGiven(std::byte* device, const StoredTensor& tensor, std::int64_t rows, std::int64_t width, bool sharded);
  void eachPiece(const Residual& residual, const std::function<void(std::span<const bf16>)>& use);
  void beginRun();
  void stepEnded();
  void makeTimers(int count);
  StepTimes finish(int unrecorded, int recorded, std::vector<double> enqueueS, double stepsPerReading);
  void capture();
  /// What a segment's kernels work on.
  Block blockAt(const StepShape::Place& place);
  /// One collective of a case, handed over from the compute stream and back.
  void enqueueCall(const Collective& collective);

  /// Lets the watchdog end the collectives, for as long as they exist.
  struct Watched {
    Watched(Session& of, Transport* transport, Staging* staging) : session(of) { session.watch(transport, staging); }
    ~Watched() { session.watch(nullptr, nullptr); }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    Session& session;
  };

  Session& session_;
  std::unique_ptr<PlanMemory> memory_;
  std::unique_ptr<Staging> staging_;
  std::shared_ptr<Transport> transport_;
  std::unique_ptr<Watched> watched_;
  std::unique_ptr<DeviceBuffer> flagBase_;
  std::unique_ptr<DeviceBuffer> scratch_;  // where copies beside a segment go
  std::unique_ptr<Rank::Impl> rankState_;
  std::unique_ptr<Rank> rank_;
  std::vector<std::unique_ptr<Event>> timers_;
  std::vector<std::unique_ptr<Event>> forks_;  // of a capture: the start, and each stream's end
  std::unique_ptr<Graph> graph_;
  std::uint32_t graphPieces_ = 0;
  std::vector<std::unique_ptr<Tracer>> tracers_;
  std::uint32_t stepsEnqueued_ = 0;
};

}  // namespace chunkflow
