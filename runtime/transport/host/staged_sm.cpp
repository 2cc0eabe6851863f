// staged-sm on CPU cores: a thread stands for each thread block.
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "device/host/queue.hpp"
#include "transport/staged_sm.hpp"

namespace chunkflow {
namespace {

/// Polls of a flag before the core is left to others for longer.
constexpr int POLLS_BEFORE_SLEEP = 64;

class StagedSmOnHost : public StagedSm {
 public:
  StagedSmOnHost(const Group& group, Staging& staging, int ctas, int ring) : StagedSm(group, staging, ctas, ring) {
    // A thread block only copies, which cannot throw.
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
    read_ += exchange.readCount();
    ++collective_;
  }

  void write(const StagedExchange& exchange, int cta) {
    std::atomic_ref flag(*staging().flag(rank(), FIRST_STAGED_SM_FLAG + cta));
    const bool inRing = exchange.ring > 0;
    std::byte* half = staging().outgoing(rank(), inRing ? 0 : collective_);
    std::uint32_t count = count_;
    if (inRing && !haveRead(exchange.readersOfAll(read_), cta)) return;
    for (int turn = 0; turn < exchange.messagesWritten(); ++turn) {
      const int peer = exchange.writtenFor(turn);
      std::byte* staged = half + exchange.placeInStaging(rank(), peer);
      for (std::uint32_t index = 0; index < exchange.slices(); ++index) {
        const StagedExchange::Slice slice = exchange.slice(cta, index);
        const std::uint32_t number = count - count_;
        if (inRing && number >= exchange.ring && !haveRead(exchange.readersBefore(read_, number), cta)) return;
        ++count;
        std::byte* to = inRing ? half + exchange.placeInRing(cta, count) : staged + slice.from;
        std::memcpy(to, exchange.outgoing(peer) + slice.from, slice.bytes);
        flag.store(count, std::memory_order_release);
      }
    }
  }

  void read(const StagedExchange& exchange, int cta) {
    const bool inRing = exchange.ring > 0;
    for (std::uint32_t number = 0; number < exchange.readings(); ++number) {
      const auto [turn, index, isLast] = exchange.reading(number);
      const int peer = exchange.readFrom(turn);
      const int writer = exchange.stagedBy(peer);
      const std::uint32_t target = count_ + exchange.flagBefore(turn, index);
      if (!reached(*staging().flag(writer, FIRST_STAGED_SM_FLAG + cta), target)) return;
      const StagedExchange::Slice slice = exchange.slice(cta, index);
      const std::byte* staged = staging().outgoing(writer, inRing ? 0 : collective_);
      const std::uint64_t place =
          inRing ? exchange.placeInRing(cta, target) : exchange.placeOfIncoming(peer) + slice.from;
      std::memcpy(exchange.incoming(peer) + slice.from, staged + place, slice.bytes);
      if (!inRing || !isLast) continue;
      std::atomic_ref(*staging().flag(rank(), FIRST_STAGED_SM_FLAG + readFlag(cta, writer)))
          .store(exchange.flagBehind(read_, turn, index), std::memory_order_release);
    }
  }

  /// Waits until readers `cta` of some ranks have read what is about to be overwritten. @returns false when given up.
  bool haveRead(const StagedExchange::Readers& readers, int cta) const {
    for (int i = 0; i < readers.count; ++i) {
      const int reader = (readers.first + i) % groupSize();
      if (!reached(*staging().flag(reader, FIRST_STAGED_SM_FLAG + readFlag(cta, rank())), readers.flag)) return false;
    }
    return true;
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
  std::uint32_t read_ = 0;
  std::uint32_t collective_ = 0;
  std::vector<std::unique_ptr<HostQueue>> blocks_;
};

}  // namespace

std::unique_ptr<Transport> stagedSmTransport(Device&, Group& group, Staging& staging, int ctas, int ring) {
  return std::make_unique<StagedSmOnHost>(group, staging, ctas, ring);
}

}  // namespace chunkflow
