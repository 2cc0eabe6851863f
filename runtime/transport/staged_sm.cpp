#include "transport/staged_sm.hpp"

#include <string>

#include "base/error.hpp"
#include "compute/compute.hpp"

namespace chunkflow {

StagedSm::StagedSm(const Group& group, Staging& staging, int ctas, int ring)
    : staging_(staging),
      rank_(group.place().rank),
      groupSize_(group.place().groupSize),
      ctas_(ctas),
      mirrored_(group.place().ranks < group.place().groupSize) {
  if (ctas < 1 || ctas > MOST_STAGED_SM_CTAS) {
    throw UserError("staged-sm with " + std::to_string(ctas) + " thread blocks a direction; choose 1 to " +
                    std::to_string(MOST_STAGED_SM_CTAS));
  }
  if (groupSize_ > MOST_STAGED_SM_RANKS) {
    throw UserError("staged-sm among " + std::to_string(groupSize_) + " ranks; it serves up to " +
                    std::to_string(MOST_STAGED_SM_RANKS) + ", choose nccl");
  }
  if (mirrored_ && group.place().ranks != 1) {
    throw UserError("staged-sm with " + std::to_string(group.place().ranks) + " ranks in a group of " +
                    std::to_string(groupSize_) + "; start all of them, or one with mirrored peers");
  }
  if (ring < 0 || ring > MOST_STAGED_SM_RING || (ring & (ring - 1)) != 0 || ring == 1) {
    throw UserError("staged-sm with rings of " + std::to_string(ring) +
                    " slices; choose 0 for whole messages, or 2, 4, 8, 16 or " + std::to_string(MOST_STAGED_SM_RING));
  }
  // A ring as large as the messages would only make writers wait.
  const std::uint64_t ringsBytes = static_cast<std::uint64_t>(ctas) * ring * StagedExchange::SLICE_BYTES;
  ring_ = ringsBytes < staging.bytesPerRank() ? static_cast<std::uint32_t>(ring) : 0;
}

StagedExchange StagedSm::exchange(bool gather, std::size_t bytes, std::byte* source, std::byte* target) const {
  const StagedExchange exchange{rank_, groupSize_, ctas_, mirrored_, gather, bytes, source, target, ring_};
  const std::size_t written = exchange.messagesWritten() * bytes;
  if (written > staging_.bytesPerRank()) {
    throw RunError("staged-sm writes " + std::to_string(written) + " bytes in a collective and has staging for " +
                   std::to_string(staging_.bytesPerRank()) + "; this is a fault of the generated program, report it");
  }
  return exchange;
}

void StagedSm::run(Stream& stream, const CollectiveCall& call) {
  const std::size_t bytes = call.bytesPerPeer;
  if (groupSize_ == 1 || bytes == 0) return;
  std::byte* own = call.recv + static_cast<std::size_t>(rank_) * bytes;
  switch (call.kind) {
    case CollectiveKind::AllToAll:
      enqueue(stream, exchange(false, bytes, call.send, call.recv));
      break;
    case CollectiveKind::AllGather:
      enqueue(stream, exchange(true, bytes, own, call.recv));
      break;
    case CollectiveKind::AllReduce: {
      // Each rank sums one shard in order of rank, so all ranks end with the same bits.
      enqueue(stream, exchange(false, bytes, call.recv, call.send));
      const bf16* parts[MOST_STAGED_SM_RANKS];
      for (int peer = 0; peer < groupSize_; ++peer) {
        parts[peer] =
            reinterpret_cast<const bf16*>(peer == rank_ ? own : call.send + static_cast<std::size_t>(peer) * bytes);
      }
      sumParts(stream, static_cast<std::int64_t>(bytes / sizeof(bf16)), parts, groupSize_,
               reinterpret_cast<bf16*>(own));
      enqueue(stream, exchange(true, bytes, own, call.recv));
      break;
    }
  }
}

}  // namespace chunkflow
