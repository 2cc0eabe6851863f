#pragma once
// The page-locked host copy of streamed weights. Resident fronts have no host copy.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "device/device.hpp"
#include "device/pinned_memory.hpp"
#include "program/program.hpp"

namespace chunkflow {

/// Memory for one host copy of several processes whose weights are the same; one of them fills it.
struct SharedCopy {
  int descriptor = -1;  // -1: a copy of this process alone
  bool fills = true;
};

class WeightStore {
 public:
  /// Touches and page-locks it. @param limitBytes the most that may be pinned; 0: no limit.
  /// @throws UserError when that is not enough, or the host refuses to lock so much.
  WeightStore(Device& device, const Program& program, const PlanProgram& plan, std::uint64_t limitBytes,
              const SharedCopy& shared);

  /// What the copy takes.
  static std::uint64_t bytesOf(const Program& program, const PlanProgram& plan);
  /// Whether this process writes what is streamed; another one does otherwise.
  bool isFilledHere() const { return fills_; }
  /// The first byte of a block that is streamed; the block's size where none is.
  std::uint64_t from(int block) const { return blocks_[static_cast<std::size_t>(block)].from; }
  /// Byte `offset` of a block, at least `from(block)`.
  std::byte* at(int block, std::uint64_t offset) {
    const Place& place = blocks_[static_cast<std::size_t>(block)];
    return memory_.data() + place.place + (offset - place.from);
  }
  std::size_t bytes() const { return memory_.bytes(); }

 private:
  struct Place {
    std::uint64_t from, place;
  };
  static std::vector<Place> placesOf(const Program& program, const PlanProgram& plan);

  std::vector<Place> blocks_;
  bool fills_;
  HostMemory memory_;
  std::unique_ptr<PageLock> lock_;
};

}  // namespace chunkflow
