#pragma once
// How an arena is cut into slots, each for one block.
//
// Ranks stream the same block at the same time, so what counts is where a block lies on every rank. Slots are therefore as
// large as blocks, and blocks change places only with blocks of about their size: a group. Fixed regions smaller than a block
// would have to be chosen several at a time, in a row, which is another and harder problem.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chunkflow {

/// How ranks lay their blocks into their arenas: in the same order, in reverse order on odd ranks, or by survey.
enum class ArenaLayout : std::uint8_t { Same, Reversed, Surveyed };

struct ArenaSlot {
  std::uint64_t offset, bytes;
  std::size_t group;
};

struct ArenaSlots {
  std::vector<int> blocks;       // that have bytes to hold, in order
  std::vector<ArenaSlot> slots;  // one for each of them, in their order, and behind those the spare ones
  std::size_t groups = 0;

  /// Bytes from the arena's start to the end of the first so many slots.
  std::uint64_t bytesOf(std::size_t count) const {
    return count == 0 ? 0 : slots[count - 1].offset + slots[count - 1].bytes;
  }
};

/// Cuts an arena. In the layout `Same` only blocks of equal size share a group, and slots are as large as their blocks; else
/// a group's blocks are at least seven eighths of its largest, which every slot holds. `Surveyed` has a spare slot for every
/// five of a group (or fewer, for the last).
///
/// @param heldBytes of each block; 0 for one that the arena does not hold.
ArenaSlots cutArena(std::span<const std::uint64_t> heldBytes, ArenaLayout layout);

/// The slot of each of `blocks` in the reverse order: within their groups.
std::vector<std::size_t> reversedSlots(const ArenaSlots& cut);

/// The slots in use, by group, in order.
std::vector<std::vector<std::size_t>> slotsByGroup(const ArenaSlots& cut, std::size_t inUse);

/// Shifts that a group of slots is measured with, the first of them 0: as many as `most`, spread evenly over the group. With
/// 0 and 1 among them every slot is tied to every other by what is measured.
std::vector<std::size_t> surveyShifts(std::size_t slots, std::size_t most);

}  // namespace chunkflow
