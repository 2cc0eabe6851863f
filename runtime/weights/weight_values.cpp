#include "weights/weight_values.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
#include "weights/safetensors.hpp"

namespace chunkflow {

namespace {

/// Elements of a shard that lie side by side in the whole tensor too.
struct Run {
  std::int64_t own;    // first element in the shard
  std::int64_t whole;  // first element in the whole tensor
  std::int64_t count;
};

std::int64_t ownElements(const Tensor& tensor, std::int64_t shards) {
  return tensor.rows * tensor.columns / (tensor.shard == TensorLayout::Whole ? 1 : shards);
}

/// The runs that make up elements [from, to) of a shard.
void forEachRun(const Tensor& tensor, std::int64_t shard, std::int64_t shards, std::int64_t from, std::int64_t to,
                const std::function<void(const Run&)>& use) {
  if (tensor.shard != TensorLayout::Columns || shards == 1) {
    const std::int64_t skipped = tensor.shard == TensorLayout::Rows ? shard * ownElements(tensor, shards) : 0;
    use({from, skipped + from, to - from});
    return;
  }
  const std::int64_t single[] = {tensor.columns, 0, 0};
  const std::int64_t* parts = tensor.parts[0] > 0 ? tensor.parts : single;
  const std::int64_t width = tensor.columns / shards;
  for (std::int64_t row = from / width; row * width < to; ++row) {
    std::int64_t own = row * width;
    std::int64_t whole = row * tensor.columns;
    for (int part = 0; part < 3; ++part) {
      const std::int64_t share = parts[part] / shards;
      const std::int64_t first = std::max(own, from);
      const std::int64_t end = std::min(own + share, to);
      if (first < end) use({first, whole + shard * share + (first - own), end - first});
      own += share;
      whole += parts[part];
    }
  }
}

class RandomWeights : public WeightValues {
 public:
  RandomWeights(const Program& program, int shard, std::uint64_t seed) : WeightValues(program, shard), seed_(seed) {}

 private:
  void values(int block, const Tensor& tensor, std::uint64_t before, std::int64_t first,
              std::span<bf16> out) const override {
    const std::uint64_t place =
        program_.blocks[static_cast<std::size_t>(block)].firstValue + before + static_cast<std::uint64_t>(first);
    const auto one = [&](std::uint64_t i) { out[i] = toBf16(tensor.mean + tensor.scale * valueAt(seed_, place + i)); };
    const std::uint64_t count = out.size();
    const std::uint64_t head = std::min(count, (4 - place % 4) % 4);
    for (std::uint64_t i = 0; i < head; ++i) one(i);
    // Written by fours, the four places visibly share a quotient, so the compiler mixes once for all of them.
    std::uint64_t i = head;
    for (std::uint64_t four = (place + head) >> 2; i + 4 <= count; i += 4, ++four) {
      for (std::uint64_t lane = 0; lane < 4; ++lane) {
        out[i + lane] = toBf16(tensor.mean + tensor.scale * valueAt(seed_, (four << 2) | lane));
      }
    }
    for (; i < count; ++i) one(i);
  }

  const std::uint64_t seed_;
};

class CheckpointWeights : public WeightValues {
 public:
  CheckpointWeights(const Program& program, int shard, const std::string& path)
      : WeightValues(program, shard), checkpoint_(path, "--weights") {
    stored_.resize(program.blocks.size());
    for (std::size_t block = 0; block < program.blocks.size(); ++block) {
      for (const Tensor& tensor : program.blocks[block].tensors) {
        stored_[block].push_back(&find(program.blocks[block].prefix + std::string(tensor.name), tensor));
      }
    }
  }

 private:
  const StoredTensor& find(const std::string& name, const Tensor& tensor) const {
    const StoredTensor& stored = checkpoint_.tensor(name);
    if (!foldsTo(stored.shape, tensor.rows, tensor.columns)) {
      throw UserError("--weights " + stored.file + ": tensor " + name + " is " + shapeText(stored.shape) +
                      "; this program needs " + shapeText({tensor.rows, tensor.columns}) +
                      "; is this the model's own checkpoint?");
    }
    return stored;
  }

  void values(int block, const Tensor& tensor, std::uint64_t, std::int64_t first, std::span<bf16> out) const override {
    const auto place = static_cast<std::size_t>(block);
    const std::size_t index = static_cast<std::size_t>(&tensor - program_.blocks[place].tensors.data());
    readAsBf16(*stored_[place][index], first, out);
  }

  Safetensors checkpoint_;
  std::vector<std::vector<const StoredTensor*>> stored_;  // per block and tensor
};

}  // namespace

void WeightValues::read(int block, std::uint64_t from, std::uint64_t to, std::byte* out) const {
  const BlockWeights& weights = program_.blocks[static_cast<std::size_t>(block)];
  std::memset(out, 0, to - from);
  std::uint64_t before = 0;
  for (const Tensor& tensor : weights.tensors) {
    const auto elements = static_cast<std::uint64_t>(ownElements(tensor, program_.tensorShards));
    const std::uint64_t first = std::max(from, tensor.offset);
    const std::uint64_t end = std::min(to, tensor.offset + 2 * elements);
    if (first < end) {
      forEachRun(tensor, shard_, program_.tensorShards, static_cast<std::int64_t>((first - tensor.offset) / 2),
                 static_cast<std::int64_t>((end - tensor.offset) / 2), [&](const Run& run) {
                   std::byte* place = out + (tensor.offset + 2 * static_cast<std::uint64_t>(run.own) - from);
                   values(block, tensor, before, run.whole,
                          {reinterpret_cast<bf16*>(place), static_cast<std::size_t>(run.count)});
                 });
    }
    before += static_cast<std::uint64_t>(tensor.rows * tensor.columns);
  }
}

std::unique_ptr<WeightValues> randomWeights(const Program& program, int shard, std::uint64_t seed) {
  return std::make_unique<RandomWeights>(program, shard, seed);
}

std::string checkedCheckpoint(const Program& program, const std::string& path) {
  checkpointWeights(program, 0, path);
  std::size_t tensors = 0;
  for (const BlockWeights& block : program.blocks) tensors += block.tensors.size();
  return "--weights " + path + ": has all " + std::to_string(tensors) + " tensors of this program's " +
         std::to_string(program.blocks.size()) + " blocks";
}

std::unique_ptr<WeightValues> checkpointWeights(const Program& program, int shard, const std::string& path) {
  return std::make_unique<CheckpointWeights>(program, shard, path);
}

}  // namespace chunkflow
