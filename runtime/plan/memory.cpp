#include "plan/memory.hpp"

#include <algorithm>

namespace chunkflow {

namespace {

std::uint64_t wholePages(std::uint64_t bytes) {
  return (bytes + DEVICE_PAGE_BYTES - 1) / DEVICE_PAGE_BYTES * DEVICE_PAGE_BYTES;
}

std::unique_ptr<DeviceBuffer> bufferOf(Device& device, std::uint64_t bytes) {
  return bytes > 0 ? device.buffer(bytes) : nullptr;
}

}  // namespace

std::uint64_t PlanMemory::bytesFor(const Program& program, const PlanProgram& plan) {
  std::uint64_t bytes = program.activationBytes + program.inputBytes + program.outsideBytes;
  for (const std::uint64_t front : plan.residentBytes) bytes += wholePages(front);
  return bytes + static_cast<std::uint64_t>(plan.slots) * wholePages(plan.slotBytes);
}

PlanMemory::PlanMemory(Device& device, const Program& program, const PlanProgram& plan) : plan_(plan) {
  for (const std::uint64_t bytes : plan.residentBytes) {
    resident_.push_back(bytes > 0 ? device.pages(wholePages(bytes)) : nullptr);
  }
  if (plan.slotBytes > 0) {
    for (int slot = 0; slot < plan.slots; ++slot) slots_.push_back(device.pages(wholePages(plan.slotBytes)));
  }
  blockOfSlot_.assign(slots_.size(), -1);
  for (int position = 0; position < program.positions; ++position) {
    const int block = position % program.blocksPerPass;
    const int slot = plan.slotOf[static_cast<std::size_t>(position)];
    if (slot < 0) addView(device, block, -1);
    // One step past the period, because a copy that is issued in its last step is for the step behind it.
    for (int step = 0; slot >= 0 && step <= plan.ringPeriod; ++step) {
      addView(device, block, physicalSlot(plan, slot, step));
    }
  }
  activations_ = bufferOf(device, program.activationBytes);
  inputs_ = bufferOf(device, program.inputBytes);
  outside_ = bufferOf(device, program.outsideBytes);
}

void PlanMemory::addView(Device& device, int block, int slot) {
  std::unique_ptr<View>& view = views_[{block, slot}];
  if (view) return;
  std::vector<Pages*> parts;
  if (Pages* front = resident_[static_cast<std::size_t>(block)].get()) parts.push_back(front);
  if (slot >= 0) {
    parts.push_back(slots_[static_cast<std::size_t>(slot)].get());
    blockOfSlot_[static_cast<std::size_t>(slot)] = block;
  }
  view = device.view(parts);
}

}  // namespace chunkflow
