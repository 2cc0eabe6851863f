#include "arena/slots.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace chunkflow {

namespace {

/// Blocks begin at such places, so that copies start on whole cache lines.
constexpr std::uint64_t ALIGNMENT = 256;
/// Blocks in a group for every spare slot.
constexpr std::size_t BLOCKS_OF_SPARE = 5;

std::uint64_t aligned(std::uint64_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

bool sharesGroup(std::uint64_t bytes, std::uint64_t largest, ArenaLayout layout) {
  return layout == ArenaLayout::Same ? bytes == largest : bytes >= largest - largest / 8;
}

}  // namespace

ArenaSlots cutArena(std::span<const std::uint64_t> heldBytes, ArenaLayout layout) {
  ArenaSlots cut;
  for (std::size_t block = 0; block < heldBytes.size(); ++block) {
    if (heldBytes[block] > 0) cut.blocks.push_back(static_cast<int>(block));
  }
  const auto bytesOf = [&](std::size_t index) { return heldBytes[static_cast<std::size_t>(cut.blocks[index])]; };
  std::vector<std::size_t> bySize(cut.blocks.size());
  std::iota(bySize.begin(), bySize.end(), std::size_t{0});
  std::stable_sort(bySize.begin(), bySize.end(), [&](std::size_t a, std::size_t b) { return bytesOf(a) > bytesOf(b); });
  cut.slots.resize(cut.blocks.size());
  std::vector<std::uint64_t> largest;
  std::vector<std::size_t> members;
  for (const std::size_t index : bySize) {
    if (largest.empty() || !sharesGroup(bytesOf(index), largest.back(), layout)) {
      largest.push_back(bytesOf(index));
      members.push_back(0);
    }
    ++members.back();
    cut.slots[index] = {0, aligned(largest.back()), largest.size() - 1};
  }
  cut.groups = largest.size();
  // Spare slots are dealt round robin over the groups, so that each gets its share where memory is short.
  for (std::size_t turn = 0, before = cut.slots.size() + 1; layout == ArenaLayout::Surveyed && before != cut.slots.size();
       ++turn) {
    before = cut.slots.size();
    for (std::size_t group = 0; group < cut.groups; ++group) {
      if (turn * BLOCKS_OF_SPARE < members[group]) cut.slots.push_back({0, aligned(largest[group]), group});
    }
  }
  std::uint64_t end = 0;
  for (ArenaSlot& slot : cut.slots) {
    slot.offset = end;
    end += slot.bytes;
  }
  return cut;
}

std::vector<std::size_t> reversedSlots(const ArenaSlots& cut) {
  std::vector<std::vector<std::size_t>> ofGroup(cut.groups);
  for (std::size_t index = cut.blocks.size(); index-- > 0;) ofGroup[cut.slots[index].group].push_back(index);
  std::vector<std::size_t> next(cut.groups, 0), slots;
  for (std::size_t index = 0; index < cut.blocks.size(); ++index) {
    const std::size_t group = cut.slots[index].group;
    slots.push_back(ofGroup[group][next[group]++]);
  }
  return slots;
}

std::vector<std::vector<std::size_t>> slotsByGroup(const ArenaSlots& cut, std::size_t inUse) {
  std::vector<std::vector<std::size_t>> groups(cut.groups);
  for (std::size_t slot = 0; slot < inUse; ++slot) groups[cut.slots[slot].group].push_back(slot);
  return groups;
}

std::vector<std::size_t> surveyShifts(std::size_t slots, std::size_t most) {
  if (most >= slots) {
    std::vector<std::size_t> all(slots);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
  }
  std::vector<std::size_t> shifts{0, 1};
  // Multiples of the golden ratio fall evenly and have no divisor in common.
  constexpr double GOLDEN = 0.6180339887498949;
  for (std::size_t i = 1; shifts.size() < most; ++i) {
    const double share = std::fmod(static_cast<double>(i) * GOLDEN, 1.0);
    const auto shift = static_cast<std::size_t>(share * static_cast<double>(slots));
    if (std::find(shifts.begin(), shifts.end(), shift) == shifts.end()) shifts.push_back(shift);
  }
  shifts.resize(most);
  return shifts;
}

}  // namespace chunkflow
