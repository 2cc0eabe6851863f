#include "attached/link.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <vector>

#include "base/error.hpp"
#include "ranks/shared_segment.hpp"

namespace chunkflow {

namespace {

constexpr std::size_t LINE_BYTES = 64;
/// Heartbeat value of a rank that has left in good order.
constexpr std::uint64_t LEFT = std::numeric_limits<std::uint64_t>::max();
constexpr auto BEAT = std::chrono::milliseconds(50);
/// A process that gets no time at all for so long is taken for dead; waits on the device do not count, as its watcher runs on.
constexpr int MOST_MISSED = 200;

/// What Staging asks of a group, by calls of somebody else's.
class CalledGroup : public Group {
 public:
  CalledGroup(const LinkCalls& calls, int rank, int ranks) : calls_(calls), place_{rank, ranks, ranks, rank, false, {}} {}

  const Place& place() const override { return place_; }
  void barrier() override { checked(calls_.barrier(calls_.context), "barrier"); }
  std::vector<std::byte> broadcast(std::vector<std::byte> bytes, int root) override {
    if (root != 0) throw RunError("a broadcast from rank " + std::to_string(root) + " is not offered");
    checked(calls_.broadcast(calls_.context, bytes.data(), bytes.size()), "broadcast");
    return bytes;
  }
  std::vector<std::vector<std::byte>> gather(std::vector<std::byte>) override {
    throw RunError("a gather is not offered by an attached model's group");
  }
  std::vector<std::vector<std::byte>> gatherMessages(std::vector<std::byte>) override {
    throw RunError("messages are not offered by an attached model's group");
  }
  std::unique_ptr<SharedMemory> shared(std::size_t bytes) override {
    std::array<char, 64> name{};
    std::unique_ptr<SharedSegment> segment;
    if (place_.rank == 0) {
      segment = SharedSegment::create(bytes);
      segment->reserve(0, bytes);
      segment->name().copy(name.data(), name.size() - 1);
    }
    checked(calls_.broadcast(calls_.context, name.data(), name.size()), "broadcast");
    if (place_.rank != 0) segment = SharedSegment::open(name.data(), bytes);
    barrier();
    segment->unlink();
    return segment;
  }
  void fail(const std::string&) override {}
  std::string failure() const override { return ""; }

 private:
  static void checked(int result, const char* call) {
    if (result != 0) throw RunError(std::string("the model's process group failed in a ") + call);
  }

  LinkCalls calls_;
  Place place_;
};

}  // namespace

Link::Link(Device& device, const LinkCalls& calls, int rank, int ranks, std::size_t bytesPerRank)
    : rank_(rank), ranks_(ranks) {
  CalledGroup group(calls, rank, ranks);
  beats_ = group.shared(LINE_BYTES * (static_cast<std::size_t>(ranks) + 1));
  staging_ = std::make_unique<Staging>(device, group, bytesPerRank);
  watcher_ = std::thread([this] { watch(); });
}

Link::~Link() {
  ending_ = true;
  watcher_.join();
  beatOf(rank_).store(LEFT);
}

std::atomic_ref<std::uint64_t> Link::beatOf(int rank) const {
  return std::atomic_ref(
      *reinterpret_cast<std::uint64_t*>(beats_->data() + LINE_BYTES * static_cast<std::size_t>(rank)));
}

void Link::check() const {
  // Shared: the rank that finds one gone lets go of everybody's waits, before the others have found it.
  const std::uint64_t gone = beatOf(ranks_).load();
  if (gone == 0) return;
  throw RunError("rank " + std::to_string(gone - 1) + " has ended or detached; end this rank as well");
}

void Link::watch() {
  std::vector<std::uint64_t> seen(static_cast<std::size_t>(ranks_), 0);
  std::vector<int> missed(static_cast<std::size_t>(ranks_), 0);
  while (!ending_) {
    beatOf(rank_).fetch_add(1);
    for (int rank = 0; rank < ranks_ && beatOf(ranks_).load() == 0; ++rank) {
      const auto place = static_cast<std::size_t>(rank);
      const std::uint64_t now = beatOf(rank).load();
      missed[place] = now == seen[place] ? missed[place] + 1 : 0;
      seen[place] = now;
      // One that has left in good order may have written all that is still to be read here.
      if (missed[place] > MOST_MISSED) {
        std::uint64_t none = 0;
        beatOf(ranks_).compare_exchange_strong(none, static_cast<std::uint64_t>(rank) + 1);
        staging_->release();
      }
    }
    std::this_thread::sleep_for(BEAT);
  }
}

}  // namespace chunkflow
