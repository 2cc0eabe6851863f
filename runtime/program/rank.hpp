#pragma once
// What a generated schedule says. Every call enqueues one thing on one of the rank's streams; the host decides nothing
// while a step runs. A position is a block's place in the step (pass x blocks + index); a point is a place in a stream that
// others wait for, numbered within its position.
#include <cstdint>
#include <memory>

#include "device/streams.hpp"
#include "program/program.hpp"

namespace chunkflow {

struct Target {
  int position;    // whose weights
  int stepsAhead;  // 1: of the next step
  int slot;
};

class Rank {
 public:
  struct Impl;
  explicit Rank(std::unique_ptr<Impl> impl);
  ~Rank();
  Rank(const Rank&) = delete;
  Rank& operator=(const Rank&) = delete;

  /// Points: `mark` records one; `after` makes the stream wait for one, of this step or of the step before.
  void mark(On stream, int position, int point);
  void after(On stream, int position, int point, int stepsAgo = 0);

  /// Begins a block: everything until the next `block` belongs to it.
  void block(int position);
  /// The next thing of a block's compute. `statement` numbers what a timeline shows, from 0 within the position.
  void run(int statement, const Segment& segment);
  /// A collective on the collective stream, by the plan's transport.
  void collective(int statement, const Collective& collective);

  /// Copies bytes [from, to) of a block's weights into its slot, in chunks, on the copy stream, with a pause of `paceS` after
  /// each. `gated`: no chunk starts while a launch window is open.
  void prefetch(int statement, const Target& target, std::uint64_t from, std::uint64_t to, std::uint64_t chunkBytes,
                double paceS, bool gated);
  /// The same with the weights taken from pageable memory.
  void prefetchPageable(int statement, const Target& target, std::uint64_t from, std::uint64_t to);

  /// staged-copy. A collective is begun, its pieces [first, first + count) written to staging (each followed by its flag) and
  /// read from it (each after its writer's flag), and ended. Pieces are numbered piece by piece, peers taking turns within each.
  /// For an all-reduce, `phase` 0 exchanges shards, `reduce` sums them, and phase 1 gathers the sums.
  void stagedBegin(int statement, const Collective& collective);
  void stageOut(int statement, const Collective& collective, int phase, int first, int count);
  void stageIn(On stream, int statement, const Collective& collective, int phase, int first, int count);
  void reduce(int statement, const Collective& collective);
  void stagedEnd(int statement, const Collective& collective);

  /// The paper's host-side pause: gated chunks stand still for so long, on the device's clock.
  void launchWindow(int statement, double seconds);

  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace chunkflow
