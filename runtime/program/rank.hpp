#pragma once
// The statements of a generated schedule. Every call enqueues one thing on one of the rank's streams and returns; the host decides
// nothing while a step runs. A position is a block's place in the step (pass x blocks + index); a point is a place in a stream
// that others wait for, numbered within its position.
//
// Statements that take time are numbered from 0 within their position, in the order of the calls: timelines name them by this
// number, and a program's manifest lists them in this order.
#include <cstdint>

#include "device/on.hpp"
#include "program/program.hpp"

namespace chunkflow {

/// The block that a copy is for, and the slot that it goes to.
struct Target {
  int position;    // whose weights
  int stepsAhead;  // 1: for the next step
  int slot;
};

/// Bytes [from, to) of a block's weights.
struct ByteRange {
  std::uint64_t from, to;
};

struct Prefetch {
  Target target;
  ByteRange bytes;
  std::uint64_t chunkBytes;  // of one copy operation; the last may be shorter
  double paceS = 0;          // pause behind each chunk, on the device
  bool gated = false;        // no chunk starts while a launch window is open
};

/// Pieces [first, first + count) that a rank writes or reads in a staged collective. Numbers run over the pieces of a message and,
/// within each, over the peers.
struct PieceRange {
  int phase = 0;  // of an all-reduce: 0 exchanges shards to be summed, 1 gathers the sums
  int first;
  int count;
};

/// The point of another block, or of this one in the step before.
struct PointOf {
  int position;
  int stepsAgo = 0;  // 0 or 1
};

struct LaunchWindow {
  double durationS;
};

class Rank {
 public:
  struct Impl;
  /// @param impl what the statements enqueue with; its owner keeps it for as long as this lives.
  explicit Rank(Impl& impl) : impl_(impl) {}
  Rank(const Rank&) = delete;
  Rank& operator=(const Rank&) = delete;

  /// Begins a block: everything until the next `block` belongs to it.
  void block(int position);

  /// Records a point of this block behind what is in the stream.
  void mark(On stream, int point);
  /// The stream waits for a point: of this block, or of another one or another step.
  void after(On stream, int point);
  void after(On stream, int point, const PointOf& of);

  /// The next segment of the block's compute, on the compute stream.
  void run(const Segment& segment);
  /// A collective on the collective stream, by the plan's transport.
  void collective(const Collective& collective);

  /// Copies part of a block's weights from pinned memory into its slot, in chunks, on the copy stream.
  void prefetch(const Prefetch& prefetch);
  /// The same from pageable memory, in one copy.
  void prefetchPageable(const Target& target, const ByteRange& bytes);

  /// A collective by staged-copy: it is begun, its pieces are written to staging (each followed by its flag) and read from it
  /// (each after its writer's flag), and it is ended. An all-reduce has a `reduce` between its two phases, which sums the shards.
  void stagedBegin(const Collective& collective);
  void stageOut(const Collective& collective, const PieceRange& pieces);
  void stageIn(On stream, const Collective& collective, const PieceRange& pieces);
  void reduce(const Collective& collective);
  void stagedEnd(const Collective& collective);

  /// The paper's host-side pause: gated chunks stand still for so long, on the device's clock.
  void launchWindow(const LaunchWindow& window);

  Impl& impl() const { return impl_; }

 private:
  Impl& impl_;
};

}  // namespace chunkflow
