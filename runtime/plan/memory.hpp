#pragma once
// Device memory of one plan, without that of its transport.
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "device/device.hpp"
#include "program/program.hpp"

namespace chunkflow {

/// Fills memory whose contents nothing may use: two such bytes are a NaN, which spoils every result that it goes into.
inline constexpr unsigned char POISON = 0xff;

/// Resident fronts, slots, activations, inputs, and space for the weights outside of the blocks. Nothing is initialised.
class PlanMemory {
 public:
  PlanMemory(Device& device, const Program& program, const PlanProgram& plan);
  /// Device bytes that one takes, in whole pages.
  static std::uint64_t bytesFor(const Program& program, const PlanProgram& plan);

  /// A block's weights as one piece: its resident front, then the slot (-1 where all of it is resident).
  std::byte* weights(int block, int slot) const { return views_.at({block, slot})->data(); }
  /// The streamed part of a block in a slot.
  std::byte* streamed(int block, int slot) const {
    return weights(block, slot) + plan_.residentBytes[static_cast<std::size_t>(block)];
  }
  /// Per slot, a block that is streamed into it some time: with it, `streamed` gives the slot's first byte.
  const std::vector<int>& blockOfSlot() const { return blockOfSlot_; }
  std::byte* activations() const { return dataOf(activations_); }
  std::byte* inputs() const { return dataOf(inputs_); }
  std::byte* outside() const { return dataOf(outside_); }

 private:
  static std::byte* dataOf(const std::unique_ptr<DeviceBuffer>& buffer) { return buffer ? buffer->data() : nullptr; }
  void addView(Device& device, int block, int slot);

  const PlanProgram& plan_;
  std::vector<std::unique_ptr<Pages>> resident_;  // per block; null where nothing stays
  std::vector<std::unique_ptr<Pages>> slots_;
  std::map<std::pair<int, int>, std::unique_ptr<View>> views_;
  std::vector<int> blockOfSlot_;
  std::unique_ptr<DeviceBuffer> activations_, inputs_, outside_;
};

/// The ring slot that takes the place of `slot` (as numbered for step 0) after so many steps.
inline int physicalSlot(const PlanProgram& plan, int slot, std::int64_t steps) {
  return static_cast<int>((slot + steps * plan.streamedPerStep) % plan.slots);
}

}  // namespace chunkflow
