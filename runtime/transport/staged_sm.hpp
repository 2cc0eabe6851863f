#pragma once
// What staged-sm is made of on both backends: collectives as one or two exchanges through staging.
#include "ranks/group.hpp"
#include "transport/exchanges.hpp"
#include "transport/staged_exchange.hpp"
#include "transport/transport.hpp"

namespace chunkflow {

/// A Staging serves one transport in its life: both begin to count at 0.
class StagedSm : public ExchangeTransport {
 public:
  void abort() final { staging_.release(); }

 protected:
  /// @throws UserError when `ctas`, `ring` or the group is out of range.
  StagedSm(const Group& group, Staging& staging, int ctas, int ring);
  /// Enqueues one exchange; the half of staging and the flags' counts go on when it runs, not when it is enqueued.
  virtual void enqueue(Stream& stream, const StagedExchange& exchange) = 0;

  Staging& staging() const { return staging_; }
  bool mirrored() const { return mirrored_; }
  int ctas() const { return ctas_; }
  /// Ranks that have an area of their own in staging.
  int stagingRanks() const { return mirrored_ ? 1 : groupSize(); }

 private:
  void exchange(Stream& stream, bool gather, std::size_t bytes, std::byte* source, std::byte* target) final;

  Staging& staging_;
  int ctas_;
  bool mirrored_;
  std::uint32_t ring_;
};

}  // namespace chunkflow
