#pragma once
// Where the bytes of a rank's weights come from: random by place, or a checkpoint. Every rank works out its own shard.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "program/program.hpp"

namespace chunkflow {

class WeightValues {
 public:
  virtual ~WeightValues() = default;
  /// Bytes [from, to) of a block's weights, both even, in the layout of its tensors; zeros between them. Any thread.
  void read(int block, std::uint64_t from, std::uint64_t to, std::byte* out) const;

 protected:
  WeightValues(const Program& program, int shard) : program_(program), shard_(shard) {}
  /// Elements of a whole tensor, [first, first + out.size()) in row-major order. `before` elements of the block's
  /// tensors lie before this one.
  virtual void values(int block, const Tensor& tensor, std::uint64_t before, std::int64_t first,
                      std::span<bf16> out) const = 0;
  const Program& program_;
  const int shard_;
};

/// value = mean + scale * valueAt(seed, block's first value + place in its tensors, whole and one behind the other).
std::unique_ptr<WeightValues> randomWeights(const Program& program, int shard, std::uint64_t seed);

/// Tensors by name (prefix + name) from a .safetensors checkpoint (see Safetensors). @throws UserError when one is missing
/// or has a shape that does not fold to the program's.
std::unique_ptr<WeightValues> checkpointWeights(const Program& program, int shard, const std::string& path);

/// Reads a checkpoint's headers only. Returns what is right about it, one line. @throws UserError as checkpointWeights.
std::string checkedCheckpoint(const Program& program, const std::string& path);

}  // namespace chunkflow
