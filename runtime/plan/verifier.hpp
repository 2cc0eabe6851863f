#pragma once
// Check that a block computes with its own weights: checksums of its slot when it starts, which are compared with the arena's,
// and a poison pattern written there as soon as it has been read.
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "device/device.hpp"
#include "device/pinned_memory.hpp"
#include "plan/memory.hpp"
#include "weights/weight_arena.hpp"

namespace chunkflow {

/// Bytes [from, to) of the block at a position that were not what the arena holds.
struct WrongChunk {
  int position, block;
  std::uint64_t from, to;
};

struct Verdict {
  std::uint64_t chunks = 0, wrong = 0;
  std::optional<WrongChunk> first;
};

class Verifier {
 public:
  /// @param steps that will be run with it.
  Verifier(Device& device, const Program& program, const PlanProgram& plan, const PlanMemory& memory, int steps);

  /// Behind the waits of a block and before its first read, on the compute stream.
  void beforeFirstRead(Stream& compute, int position, int slot);
  /// Behind its last read, before anything marks the slot as free.
  void afterLastRead(Stream& compute, int position, int slot);

  /// Copies the sums out, in the order of the stream; then, once the device is idle, they can be judged.
  void collect(Stream& compute);
  Verdict judge(const WeightArena& arena) const;

 private:
  struct Check {
    int position;
    std::size_t first;  // its first sum
  };
  std::uint64_t streamedBytes(int position) const;
  std::size_t chunksOf(int position) const;

  const Program& program_;
  const PlanProgram& plan_;
  const PlanMemory& memory_;
  std::size_t used_ = 0;
  std::vector<Check> checks_;
  std::unique_ptr<DeviceBuffer> sums_;
  std::unique_ptr<PinnedMemory> onHost_;
};

}  // namespace chunkflow
