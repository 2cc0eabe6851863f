#include "transport/exchanges.hpp"

#include <vector>

#include "compute/compute.hpp"

namespace chunkflow {

void ExchangeTransport::run(Stream& stream, const CollectiveCall& call) {
  const std::size_t bytes = call.bytesPerPeer;
  if (groupSize_ == 1 || bytes == 0) return;
  std::byte* own = call.recv + static_cast<std::size_t>(rank_) * bytes;
  switch (call.kind) {
    case CollectiveKind::AllToAll:
      exchange(stream, false, bytes, call.send, call.recv);
      break;
    case CollectiveKind::AllGather:
      exchange(stream, true, bytes, own, call.recv);
      break;
    case CollectiveKind::AllReduce: {
      // Each rank sums one shard in order of rank, so all ranks end with the same bits.
      exchange(stream, false, bytes, call.recv, call.send);
      std::vector<const bf16*> parts;
      for (int peer = 0; peer < groupSize_; ++peer) {
        const std::byte* part = peer == rank_ ? own : call.send + static_cast<std::size_t>(peer) * bytes;
        parts.push_back(reinterpret_cast<const bf16*>(part));
      }
      sumParts(stream, static_cast<std::int64_t>(bytes / sizeof(bf16)), parts.data(), groupSize_,
               reinterpret_cast<bf16*>(own));
      exchange(stream, true, bytes, own, call.recv);
      break;
    }
  }
}

}  // namespace chunkflow
