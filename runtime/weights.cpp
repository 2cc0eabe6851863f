#include "weights.hpp"

#include <algorithm>
#include <string>

#include "error.hpp"

namespace chunkflow {

namespace {

/// What one thread fills at a time.
constexpr std::uint64_t FILL_BYTES = std::uint64_t{8} << 20;
/// Blocks begin at such places, so that copies start on whole cache lines.
constexpr std::uint64_t ALIGNMENT = 256;

std::vector<std::uint64_t> smallestFronts(const Program& program, std::span<const int> plans) {
  std::vector<std::uint64_t> fronts;
  for (std::size_t block = 0; block < program.blocks.size(); ++block) {
    std::uint64_t front = program.blocks[block].bytes;
    for (const int plan : plans) {
      front = std::min(front, program.plans[static_cast<std::size_t>(plan)].residentBytes[block]);
    }
    fronts.push_back(front);
  }
  return fronts;
}

/// Where each block begins in the arena, and behind the last block its size.
std::vector<std::uint64_t> places(const Program& program, const std::vector<std::uint64_t>& fronts) {
  std::vector<std::uint64_t> begins{0};
  for (std::size_t block = 0; block < program.blocks.size(); ++block) {
    const std::uint64_t bytes = program.blocks[block].bytes - fronts[block];
    begins.push_back(begins.back() + (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
  }
  return begins;
}

}  // namespace

std::uint64_t WeightArena::bytesFor(const Program& program, std::span<const int> plans) {
  return places(program, smallestFronts(program, plans)).back();
}

WeightArena::WeightArena(Device& device, const Program& program, std::span<const int> plans, int sharers)
    : device_(device),
      program_(program),
      numaNode_(device.info().numaNode),
      sharers_(sharers),
      heldFrom_(smallestFronts(program, plans)),
      place_(places(program, heldFrom_)),
      memory_(place_.back(), numaNode_) {}

void WeightArena::fill(const WeightValues& values) {
  struct Piece {
    int block;
    std::uint64_t from, to;
  };
  std::vector<Piece> pieces;
  for (std::size_t block = 0; block < program_.blocks.size(); ++block) {
    const std::uint64_t end = program_.blocks[block].bytes;
    for (std::uint64_t from = heldFrom_[block]; from < end; from += FILL_BYTES) {
      pieces.push_back({static_cast<int>(block), from, std::min(end, from + FILL_BYTES)});
    }
  }
  inParallel(numaNode_, sharers_, pieces.size(), [&](std::size_t i) {
    const auto& [block, from, to] = pieces[i];
    const auto place = static_cast<std::size_t>(block);
    values.read(block, from, to, memory_.data() + place_[place] + (from - heldFrom_[place]));
  });
  setLocked(true);
}

void WeightArena::setLocked(bool locked) {
  if (memory_.bytes() == 0 || locked == (lock_ != nullptr)) return;
  if (!locked) {
    lock_.reset();
    return;
  }
  try {
    lock_ = device_.lock(memory_.data(), memory_.bytes());
  } catch (const RunError& error) {
    throw UserError("the weights need " + std::to_string(memory_.bytes()) +
                    " bytes of pinned host memory: " + error.what() +
                    "; raise the limit (ulimit -l) or choose plans that stream less (--plans)");
  }
}

}  // namespace chunkflow
