#include "transport/staged_sm.hpp"

#include <string>

#include "base/error.hpp"

namespace chunkflow {

StagedSm::StagedSm(const Group& group, Staging& staging, int ctas, int ring)
    : ExchangeTransport(group),
      staging_(staging),
      ctas_(ctas),
      mirrored_(group.place().ranks < group.place().groupSize) {
  if (ctas < 1 || ctas > MOST_STAGED_SM_CTAS) {
    throw UserError("staged-sm with " + std::to_string(ctas) + " thread blocks a direction; choose 1 to " +
                    std::to_string(MOST_STAGED_SM_CTAS));
  }
  if (groupSize() > MOST_STAGED_SM_RANKS) {
    throw UserError("staged-sm among " + std::to_string(groupSize()) + " ranks; it serves up to " +
                    std::to_string(MOST_STAGED_SM_RANKS) + ", choose nccl");
  }
  if (mirrored_ && group.place().ranks != 1) {
    throw UserError("staged-sm with " + std::to_string(group.place().ranks) + " ranks in a group of " +
                    std::to_string(groupSize()) + "; start all of them, or one with mirrored peers");
  }
  if (ring < 0 || ring > MOST_STAGED_SM_RING || (ring & (ring - 1)) != 0 || ring == 1) {
    throw UserError("staged-sm with rings of " + std::to_string(ring) +
                    " slices; choose 0 for whole messages, or 2, 4, 8, 16 or " + std::to_string(MOST_STAGED_SM_RING));
  }
  // A ring as large as the messages would only make writers wait.
  const std::uint64_t ringsBytes = static_cast<std::uint64_t>(ctas) * ring * StagedExchange::SLICE_BYTES;
  ring_ = ringsBytes < staging.bytesPerRank() ? static_cast<std::uint32_t>(ring) : 0;
}

void StagedSm::exchange(Stream& stream, bool gather, std::size_t bytes, std::byte* source, std::byte* target) {
  const StagedExchange exchange{rank(), groupSize(), ctas_, mirrored_, gather, bytes, source, target, ring_};
  const std::size_t written = exchange.messagesWritten() * bytes;
  if (written > staging_.bytesPerRank()) {
    throw RunError("staged-sm writes " + std::to_string(written) + " bytes in a collective and has staging for " +
                   std::to_string(staging_.bytesPerRank()) + "; this is a fault of the generated program, report it");
  }
  enqueue(stream, exchange);
}

}  // namespace chunkflow
