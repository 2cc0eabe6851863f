#pragma once
// A rank's page-locked copy of the weights, from which all plans stream.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "arena/slots.hpp"
#include "device/device.hpp"
#include "device/pinned_memory.hpp"
#include "program/program.hpp"
#include "weights/weight_values.hpp"

namespace chunkflow {

/// Holds of every block what at least one of the plans streams: its bytes from the smallest resident front on.
class WeightArena {
 public:
  /// Reserves; nothing is touched yet. Blocks lie in order, and spare slots are not in use.
  /// @param sharers ranks of this process that fill arenas at the same time.
  WeightArena(Device& device, const Program& program, std::span<const int> plans, int sharers,
              ArenaLayout layout = ArenaLayout::Same);

  /// Bytes that an arena for these plans has in the layout Same, before one is made.
  static std::uint64_t bytesFor(const Program& program, std::span<const int> plans);

  /// Before anything is touched: takes as many spare slots into use as so many bytes hold.
  void useSpare(std::uint64_t bytes);
  /// Touches and page-locks all slots in use. @throws UserError when the host refuses to lock so much.
  void pin();
  /// Before it is filled: where each of cut().blocks goes.
  void place(std::span<const std::size_t> slotOf);
  /// Fills it and page-locks it. @throws UserError when the host refuses to lock so much.
  void fill(const WeightValues& values);

  const ArenaSlots& cut() const { return cut_; }
  /// Slots in use: of the blocks, then spare ones.
  std::size_t slots() const { return slots_; }
  const std::byte* slot(std::size_t index) const { return memory_.data() + cut_.slots[index].offset; }
  /// Bytes of a block that it holds.
  std::uint64_t heldBytes(int block) const {
    return program_.blocks[static_cast<std::size_t>(block)].bytes - heldFrom(block);
  }

  /// The first byte of a block that it holds; the block's size when it holds none.
  std::uint64_t heldFrom(int block) const { return heldFrom_[static_cast<std::size_t>(block)]; }
  /// Byte `offset` of a block, at least heldFrom.
  const std::byte* at(int block, std::uint64_t offset) const {
    const auto place = static_cast<std::size_t>(block);
    return memory_.data() + place_[place] + (offset - heldFrom_[place]);
  }
  std::size_t bytes() const { return cut_.bytesOf(slots_); }
  int numaNode() const { return numaNode_; }
  int sharers() const { return sharers_; }

  /// Plans that copy from pageable memory need it not to be page-locked while they run.
  void setLocked(bool locked);

 private:
  Device& device_;
  const Program& program_;
  int numaNode_, sharers_;
  std::vector<std::uint64_t> heldFrom_;
  ArenaSlots cut_;
  std::size_t slots_;
  std::vector<std::uint64_t> place_;  // of each block in the memory
  HostMemory memory_;
  std::unique_ptr<PageLock> lock_;
};

}  // namespace chunkflow
