#pragma once
// State of one plan on one rank that the statements of rank.hpp use.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "device/device.hpp"
#include "device/streams.hpp"
#include "plan/memory.hpp"
#include "plan/tracer.hpp"
#include "plan/verifier.hpp"
#include "program/program.hpp"
#include "program/rank.hpp"
#include "transport/transport.hpp"
#include "weights/weight_arena.hpp"

namespace chunkflow {

/// Contents of a step, found by a dry run that enqueues nothing.
struct StepShape {
  std::vector<int> runs;        // per position: segments
  std::size_t intervals = 0;    // that a timeline shows
  std::uint32_t pieces = 0;     // staged pieces that a rank writes
  std::uint32_t exchanges = 0;  // staged exchanges; an all-reduce has two
  bool pageable = false;        // whether weights come from pageable memory
  /// Every segment once, with a place in the step where it runs.
  struct Place {
    const Segment* segment;
    int position, statement;
  };
  std::vector<Place> segments;
  const Collective* largest = nullptr;  // of the collectives that run as one piece
};

/// @param groupRank the rank within its group.
StepShape shapeOf(const Program& program, const PlanProgram& plan, int groupRank);

/// Count: nothing is enqueued. Rehearse: only segments are, so that libraries load and choose what they need while no
/// rank waits for another. Run: everything.
enum class StepMode : std::uint8_t { Count, Rehearse, Run };

struct Rank::Impl {
  const Program& program;
  const PlanProgram& plan;
  int groupRank;
  StepShape shape{};
  StepMode mode = StepMode::Count;

  // Device objects; all null in a dry run.
  const Streams* streams = nullptr;
  Compute* compute = nullptr;
  const PlanMemory* memory = nullptr;
  const WeightArena* arena = nullptr;
  Transport* transport = nullptr;  // of collectives that run as one piece
  Staging* staging = nullptr;      // of staged-copy
  std::uint32_t* gate = nullptr;   // a launch window is open while it is not 0
  bool synthetic = false;
  Tracer* tracer = nullptr;        // set in traced steps
  Verifier* verifier = nullptr;    // set in verified steps

  /// Steps since the slots were primed, and the first step of the current batch. All steps before that one have
  /// completed.
  std::int64_t step = 0, firstStep = 0;
  int position = 0;
  int runInBlock = 0;
  int statement = 0;  // number of the next statement of this position that takes time

  /// By parity of the step, position and point.
  std::vector<std::unique_ptr<Event>> events[2] = {};
  /// The step in which each was last recorded.
  std::vector<std::int64_t> markedIn[2] = {};

  /// Staged-copy: flags count pieces and are never reset; `base` is their value at the start of this batch, `pieces` the number
  /// enqueued since.
  StepBase base{};
  std::uint32_t pieces = 0;
  std::uint32_t exchange = 0;  // number of the next staged exchange, which picks the half of staging
  struct Phase {
    std::uint32_t exchange, firstPiece;
  };
  Phase phases[2] = {};

  std::vector<std::string> blockNames{};  // by position, for profilers
  bool rangeOpen = false;

  Stream& stream(On on) const { return (*streams)[on]; }
  std::size_t pointIndex(int ofPosition, int point) const;
  /// The slot that the block at a position has in this step; -1 where it has none.
  int slotNow(int ofPosition) const;
  /// Messages that a rank writes in a phase of a staged collective.
  std::uint32_t writesOf(const Collective& collective, int phase) const;

  void makeEvents(Device& device);
  /// The slots have just been primed: the next step is step 0. The device is idle on every rank.
  void restart();
  /// Starts a batch of steps: everything before it has completed, or is ordered before it by the graph's launch.
  void begin() { firstStep = step; }
  /// Enqueues one step.
  void enqueue(Rank& rank);

  /// Calls `work` between the two events of a statement when the step is traced.
  template <class Work>
  void interval(On on, int statement, int part, Work&& work) {
    if (tracer != nullptr) tracer->open(stream(on), position, statement, part);
    work();
    if (tracer != nullptr) tracer->close(stream(on));
  }
};

}  // namespace chunkflow
