#include "weights/weight_arena.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>

#include "base/error.hpp"

namespace chunkflow {

namespace {

/// Bytes that one thread fills at a time.
constexpr std::uint64_t FILL_BYTES = std::uint64_t{8} << 20;

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

std::vector<std::uint64_t> behindFronts(const Program& program, const std::vector<std::uint64_t>& fronts) {
  std::vector<std::uint64_t> bytes;
  for (std::size_t block = 0; block < fronts.size(); ++block) bytes.push_back(program.blocks[block].bytes - fronts[block]);
  return bytes;
}

}  // namespace

std::uint64_t WeightArena::bytesFor(const Program& program, std::span<const int> plans) {
  const ArenaSlots cut = cutArena(behindFronts(program, smallestFronts(program, plans)), ArenaLayout::Same);
  return cut.bytesOf(cut.slots.size());
}

WeightArena::WeightArena(Device& device, const Program& program, std::span<const int> plans, int sharers,
                         ArenaLayout layout)
    : device_(device),
      program_(program),
      numaNode_(device.info().numaNode),
      sharers_(sharers),
      heldFrom_(smallestFronts(program, plans)),
      cut_(cutArena(behindFronts(program, heldFrom_), layout)),
      slots_(cut_.blocks.size()),
      place_(program.blocks.size(), 0),
      memory_(cut_.bytesOf(cut_.slots.size()), numaNode_) {
  std::vector<std::size_t> inOrder(cut_.blocks.size());
  std::iota(inOrder.begin(), inOrder.end(), std::size_t{0});
  place(inOrder);
}

void WeightArena::useSpare(std::uint64_t bytes) {
  const std::uint64_t most = cut_.bytesOf(cut_.blocks.size()) + bytes;
  while (slots_ < cut_.slots.size() && cut_.bytesOf(slots_ + 1) <= most) ++slots_;
}

void WeightArena::pin() {
  const std::size_t pieces = (bytes() + FILL_BYTES - 1) / FILL_BYTES;
  inParallel(numaNode_, sharers_, pieces, [&](std::size_t piece) {
    const std::size_t from = piece * FILL_BYTES;
    std::memset(memory_.data() + from, 0, std::min<std::size_t>(bytes() - from, FILL_BYTES));
  });
  setLocked(true);
}

void WeightArena::place(std::span<const std::size_t> slotOf) {
  for (std::size_t index = 0; index < cut_.blocks.size(); ++index) {
    place_[static_cast<std::size_t>(cut_.blocks[index])] = cut_.slots.at(slotOf[index]).offset;
  }
}

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
  if (bytes() == 0 || locked == (lock_ != nullptr)) return;
  if (!locked) {
    lock_.reset();
    return;
  }
  try {
    lock_ = device_.lock(memory_.data(), bytes());
  } catch (const RunError& error) {
    throw UserError("the weights need " + std::to_string(bytes()) +
                    " bytes of pinned host memory: " + error.what() +
                    "; raise the limit (ulimit -l) or choose plans that stream less (--plans)");
  }
}

}  // namespace chunkflow
