// staged-sm on CPU cores: a thread stands for each thread block.
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "host_queue.hpp"
#include "staged_sm.hpp"

namespace chunkflow {
namespace {

/// Polls of a flag before the core is left to others for longer.
constexpr int POLLS_BEFORE_SLEEP = 64;

class StagedSmOnHost : public StagedSm {
 public:
  StagedSmOnHost(const Group& group, Staging& staging, int ctas) : StagedSm(group, staging, ctas) {
    // What a block does is copying, which throws nothing.
    const auto ignored = [](const char*) {};
    for (int block = 0; block < 2 * ctas; ++block) {
      blocks_.push_back(std::make_unique<HostQueue>("staged-sm " + std::to_string(block), ignored));
    }
  }

 protected:
  void enqueue(Stream& stream, const StagedExchange& exchange) override {
    callOnHost(stream, [this, exchange] { run(exchange); });
  }

 private:
  void run(const StagedExchange& exchange) {
    for (int cta = 0; cta < ctas(); ++cta) {
      blocks_[2 * cta]->push([this, &exchange, cta] { write(exchange, cta); });
      blocks_[2 * cta + 1]->push([this, &exchange, cta] { read(exchange, cta); });
    }
    for (const auto& block : blocks_) block->drain();
    count_ += exchange.flagCount();
    ++collective_;
  }

  void write(const StagedExchange& exchange, int cta) {
    std::atomic_ref flag(*staging().flag(rank(), FIRST_STAGED_SM_FLAG + cta));
    std::byte* half = staging().outgoing(rank(), collective_);
    std::uint32_t count = count_;
    for (int turn = 0; turn < exchange.messagesWritten(); ++turn) {
      const int peer = exchange.writtenFor(turn);
      std::byte* staged = half + exchange.placeInStaging(rank(), peer);
      for (std::uint32_t index = 0; index < exchange.slices(); ++index) {
        const StagedExchange::Slice slice = exchange.slice(cta, index);
        std::memcpy(staged + slice.from, exchange.outgoing(peer) + slice.from, slice.bytes);
        flag.store(++count, std::memory_order_release);
      }
    }
  }

  void read(const StagedExchange& exchange, int cta) {
    for (int turn = 0; turn < exchange.messagesRead(); ++turn) {
      const int peer = exchange.readFrom(turn);
      const int writer = exchange.stagedBy(peer);
      const std::byte* staged = staging().outgoing(writer, collective_) + exchange.placeOfIncoming(peer);
      for (std::uint32_t index = 0; index < exchange.slices(); ++index) {
        if (!reached(*staging().flag(writer, FIRST_STAGED_SM_FLAG + cta), count_ + exchange.flagBefore(turn, index)))
          return;
        const StagedExchange::Slice slice = exchange.slice(cta, index);
        std::memcpy(exchange.incoming(peer) + slice.from, staged + slice.from, slice.bytes);
      }
    }
  }

  /// Waits for a flag. @returns false when the run has been given up.
  bool reached(std::uint32_t& flag, std::uint32_t target) const {
    for (int poll = 0; static_cast<std::int32_t>(std::atomic_ref(flag).load(std::memory_order_acquire) - target) < 0;
         ++poll) {
      if (std::atomic_ref(*staging().abortWord()).load(std::memory_order_relaxed) != 0) return false;
      if (poll < POLLS_BEFORE_SLEEP) {
        std::this_thread::yield();
      } else {
        std::this_thread::sleep_for(std::chrono::microseconds(20));
      }
    }
    return true;
  }

  // Written between exchanges, while no block runs.
  std::uint32_t count_ = 0;
  std::uint32_t collective_ = 0;
  std::vector<std::unique_ptr<HostQueue>> blocks_;
};

}  // namespace

std::unique_ptr<Transport> stagedSmTransport(Device&, Group& group, Staging& staging, int ctas) {
  return std::make_unique<StagedSmOnHost>(group, staging, ctas);
}

}  // namespace chunkflow
