#include "plan/verifier.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace chunkflow {

namespace {

/// Bytes per checksum: small enough to locate an error, large enough to be few.
constexpr std::uint64_t CHUNK_BYTES = DEVICE_PAGE_BYTES;

}  // namespace

Verifier::Verifier(Device& device, const Program& program, const PlanProgram& plan, const PlanMemory& memory, int steps)
    : program_(program), plan_(plan), memory_(memory) {
  std::size_t chunks = 0;
  for (int position = 0; position < program.positions; ++position) chunks += chunksOf(position);
  const std::size_t bytes = std::max<std::size_t>(1, chunks * static_cast<std::size_t>(steps)) * sizeof(std::uint64_t);
  sums_ = device.buffer(bytes);
  onHost_ = std::make_unique<PinnedMemory>(device, bytes);
}

std::uint64_t Verifier::streamedBytes(int position) const {
  if (plan_.slotOf[static_cast<std::size_t>(position)] < 0) return 0;
  const auto block = static_cast<std::size_t>(position % program_.blocksPerPass);
  return program_.blocks[block].bytes - plan_.residentBytes[block];
}

std::size_t Verifier::chunksOf(int position) const {
  return static_cast<std::size_t>((streamedBytes(position) + CHUNK_BYTES - 1) / CHUNK_BYTES);
}

void Verifier::beforeFirstRead(Stream& compute, int position, int slot) {
  const std::size_t chunks = chunksOf(position);
  if (chunks == 0) return;
  if ((used_ + chunks) * sizeof(std::uint64_t) > sums_->bytes()) {
    throw RunError("more steps are verified than there is room for");
  }
  checksum(compute, memory_.streamed(position % program_.blocksPerPass, slot), streamedBytes(position), CHUNK_BYTES,
           reinterpret_cast<std::uint64_t*>(sums_->data()) + used_);
  checks_.push_back({position, used_});
  used_ += chunks;
}

void Verifier::afterLastRead(Stream& compute, int position, int slot) {
  if (chunksOf(position) == 0) return;
  fill(compute, memory_.streamed(position % program_.blocksPerPass, slot), POISON, plan_.slotBytes);
}

void Verifier::collect(Stream& compute) {
  copyToHost(compute, onHost_->data(), sums_->data(), used_ * sizeof(std::uint64_t));
}

Verdict Verifier::judge(const WeightArena& arena) const {
  const auto blocks = static_cast<std::size_t>(program_.blocksPerPass);
  std::vector<std::vector<std::uint64_t>> expected(blocks);
  std::vector<std::pair<std::size_t, std::size_t>> work;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::uint64_t bytes = program_.blocks[block].bytes - plan_.residentBytes[block];
    expected[block].resize((bytes + CHUNK_BYTES - 1) / CHUNK_BYTES);
    for (std::size_t chunk = 0; chunk < expected[block].size(); ++chunk) work.emplace_back(block, chunk);
  }
  inParallel(arena.numaNode(), arena.sharers(), work.size(), [&](std::size_t i) {
    const auto [block, chunk] = work[i];
    const std::uint64_t from = plan_.residentBytes[block] + chunk * CHUNK_BYTES;
    const std::uint64_t to = std::min(program_.blocks[block].bytes, from + CHUNK_BYTES);
    expected[block][chunk] = checksumOnHost(arena.at(static_cast<int>(block), from), to - from);
  });
  const auto* sums = reinterpret_cast<const std::uint64_t*>(onHost_->data());
  Verdict verdict;
  for (const Check& check : checks_) {
    const auto block = static_cast<std::size_t>(check.position % program_.blocksPerPass);
    for (std::size_t chunk = 0; chunk < expected[block].size(); ++chunk) {
      ++verdict.chunks;
      if (sums[check.first + chunk] == expected[block][chunk]) continue;
      ++verdict.wrong;
      if (verdict.first) continue;
      const std::uint64_t from = plan_.residentBytes[block] + chunk * CHUNK_BYTES;
      verdict.first = WrongChunk{check.position, static_cast<int>(block), from,
                                 std::min(program_.blocks[block].bytes, from + CHUNK_BYTES)};
    }
  }
  return verdict;
}

}  // namespace chunkflow
