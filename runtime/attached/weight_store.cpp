#include "attached/weight_store.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/error.hpp"

namespace chunkflow {

namespace {

/// Blocks begin at such places, so that copies start on whole cache lines.
constexpr std::uint64_t ALIGNMENT = 256;
/// Bytes that one thread touches at a time.
constexpr std::uint64_t TOUCH_BYTES = std::uint64_t{8} << 20;

std::uint64_t aligned(std::uint64_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

std::uint64_t streamedBytes(const Program& program, const PlanProgram& plan, std::size_t block) {
  return program.blocks[block].bytes - plan.residentBytes[block];
}

}  // namespace

std::vector<WeightStore::Place> WeightStore::placesOf(const Program& program, const PlanProgram& plan) {
  std::vector<Place> places;
  std::uint64_t end = 0;
  for (std::size_t block = 0; block < program.blocks.size(); ++block) {
    places.push_back({plan.residentBytes[block], end});
    end += aligned(streamedBytes(program, plan, block));
  }
  return places;
}

std::uint64_t WeightStore::bytesOf(const Program& program, const PlanProgram& plan) {
  std::uint64_t bytes = 0;
  for (std::size_t block = 0; block < program.blocks.size(); ++block) bytes += aligned(streamedBytes(program, plan, block));
  return bytes;
}

namespace {

/// @param isTaken whether another process has taken the memory already.
std::uint64_t withinLimit(std::uint64_t bytes, std::uint64_t limitBytes, bool isTaken) {
  const std::uint64_t available = isTaken ? bytes : availableHostBytes();
  const std::uint64_t most = limitBytes > 0 ? std::min(limitBytes, available) : available;
  if (bytes > most) {
    throw UserError("the plan streams from " + std::to_string(bytes) + " bytes of pinned host memory, " +
                    std::to_string(most) + (most == available ? " are available on this host" : " are allowed") +
                    "; plan with more resident on the GPU, or allow more");
  }
  return bytes;
}

HostMemory memoryFor(std::uint64_t bytes, const SharedCopy& shared, int numaNode) {
  if (shared.descriptor >= 0) return HostMemory::shared(bytes, shared.descriptor);
  return HostMemory(bytes, numaNode);
}

}  // namespace

WeightStore::WeightStore(Device& device, const Program& program, const PlanProgram& plan, std::uint64_t limitBytes,
                         const SharedCopy& shared)
    : blocks_(placesOf(program, plan)),
      fills_(shared.fills),
      memory_(memoryFor(withinLimit(bytesOf(program, plan), limitBytes, !shared.fills), shared, device.info().numaNode)) {
  if (bytes() == 0) return;
  if (fills_) {
    inParallel(device.info().numaNode, 1, (bytes() + TOUCH_BYTES - 1) / TOUCH_BYTES, [&](std::size_t piece) {
      const std::size_t from = piece * TOUCH_BYTES;
      std::memset(memory_.data() + from, 0, std::min<std::size_t>(bytes() - from, TOUCH_BYTES));
    });
  }
  try {
    lock_ = device.lock(memory_.data(), bytes());
  } catch (const RunError& error) {
    throw UserError("the plan streams from " + std::to_string(bytes()) + " bytes of pinned host memory: " + error.what());
  }
}

}  // namespace chunkflow
