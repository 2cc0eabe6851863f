#pragma once
// Collectives made of exchanges: an all-to-all and an all-gather are one, an all-reduce is two with a sum between them.
#include "ranks/group.hpp"
#include "transport/transport.hpp"

namespace chunkflow {

class ExchangeTransport : public Transport {
 public:
  void run(Stream& stream, const CollectiveCall& call) final;

 protected:
  explicit ExchangeTransport(const Group& group)
      : rank_(group.place().rank), groupSize_(group.place().groupSize) {}

  /// Enqueues one exchange of `bytes` a message. @param gather the message to all peers lies at `source`; else the one to peer
  /// p at source + p * bytes. What comes from peer p goes to target + p * bytes; nothing comes from the rank itself.
  virtual void exchange(Stream& stream, bool gather, std::size_t bytes, std::byte* source, std::byte* target) = 0;

  int rank() const { return rank_; }
  int groupSize() const { return groupSize_; }

 private:
  int rank_, groupSize_;
};

}  // namespace chunkflow
