// The ranks of a run as threads of one process.
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>

#include "ranks/group_exchange.hpp"
#include "ranks/group_text.hpp"

namespace chunkflow {
namespace {

/// Untouched pages, so that they come to lie near the thread that first writes them.
class PrivateMapping {
 public:
  explicit PrivateMapping(std::size_t bytes) : bytes_(bytes) {
    void* data =
        mmap(nullptr, std::max<std::size_t>(bytes, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
      throw RunError("could not get " + std::to_string(bytes) + " bytes of host memory for the ranks to share (" +
                     std::strerror(errno) + ")");
    }
    data_ = static_cast<std::byte*>(data);
  }
  ~PrivateMapping() { munmap(data_, std::max<std::size_t>(bytes_, 1)); }
  PrivateMapping(const PrivateMapping&) = delete;
  PrivateMapping& operator=(const PrivateMapping&) = delete;
  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_;
  std::size_t bytes_;
};

class MemoryOfThreads : public SharedMemory {
 public:
  explicit MemoryOfThreads(std::shared_ptr<PrivateMapping> mapping) : mapping_(std::move(mapping)) {}
  std::byte* data() const override { return mapping_->data(); }
  std::size_t bytes() const override { return mapping_->bytes(); }

 private:
  std::shared_ptr<PrivateMapping> mapping_;
};

/// State of the rendezvous of all threads.
class MeetingPlace {
 public:
  using Contributions = std::vector<std::vector<std::byte>>;

  MeetingPlace(int ranks, double timeLimitS)
      : timeLimitS_(timeLimitS), lanes_(LANES, Lane(static_cast<std::size_t>(ranks))), left_(ranks, false) {}

  Contributions exchange(int rank, Meeting meeting, std::vector<std::byte> bytes) {
    std::unique_lock lock(mutex_);
    throwIfFailed();
    Lane& lane = lanes_[laneOf(meeting)];
    lane.brought[rank] = std::move(bytes);
    lane.meetings[rank] = meeting;
    lane.present[rank] = true;
    const std::uint64_t mine = lane.generation;
    if (std::find(lane.present.begin(), lane.present.end(), false) == lane.present.end()) {
      meetUp(lane);
    } else {
      const auto limit = std::chrono::duration<double>(timeLimitS_);
      const bool inTime = changed_.wait_for(
          lock, limit, [&] { return lane.generation != mine || !failure_.empty() || someoneLeft(lane) >= 0; });
      if (lane.generation == mine && failure_.empty()) {
        failLocked(inTime ? endedEarly(someoneLeft(lane))
                          : waitedTooLong(rank, timeLimitS_, meeting, missing(lane)));
      }
    }
    if (lane.generation == mine) throwIfFailed();
    // The next exchange cannot overwrite these bytes before this rank has joined it.
    return *lane.result;
  }

  /// Rank 0 hands a mapping over; every rank gets it.
  std::shared_ptr<PrivateMapping> handOver(std::shared_ptr<PrivateMapping> mapping) {
    const std::lock_guard lock(mutex_);
    if (mapping) mapping_ = std::move(mapping);
    return mapping_;
  }

  void forgetMapping() {
    const std::lock_guard lock(mutex_);
    mapping_.reset();
  }

  void leave(int rank) {
    const std::lock_guard lock(mutex_);
    left_[rank] = true;
    changed_.notify_all();
  }

  void fail(const std::string& message) {
    const std::lock_guard lock(mutex_);
    failLocked(message);
  }

  std::string failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

 private:
  /// A sequence of exchanges.
  struct Lane {
    explicit Lane(std::size_t ranks) : brought(ranks), meetings(ranks), present(ranks, false) {}
    std::uint64_t generation = 0;
    Contributions brought;
    std::vector<Meeting> meetings;
    std::vector<bool> present;
    std::shared_ptr<const Contributions> result;
  };

  void meetUp(Lane& lane) {
    for (std::size_t rank = 1; rank < lane.meetings.size(); ++rank) {
      if (lane.meetings[rank] == lane.meetings[0]) continue;
      failLocked(differentCalls(static_cast<int>(rank), lane.meetings[rank], lane.meetings[0]));
      return;
    }
    lane.result =
        std::make_shared<const Contributions>(std::exchange(lane.brought, Contributions(lane.brought.size())));
    lane.present.assign(lane.present.size(), false);
    ++lane.generation;
    changed_.notify_all();
  }

  /// A rank that the others wait for and that will not come, or -1.
  int someoneLeft(const Lane& lane) const {
    for (std::size_t rank = 0; rank < left_.size(); ++rank) {
      if (left_[rank] && !lane.present[rank]) return static_cast<int>(rank);
    }
    return -1;
  }

  std::string missing(const Lane& lane) const {
    const auto& present = lane.present;
    return "rank " + std::to_string(std::find(present.begin(), present.end(), false) - present.begin());
  }

  void failLocked(const std::string& message) {
    if (failure_.empty()) failure_ = message;
    changed_.notify_all();
  }

  void throwIfFailed() const {
    if (!failure_.empty()) throw RunError(failure_);
  }

  const double timeLimitS_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Lane> lanes_;
  std::vector<bool> left_;
  std::shared_ptr<PrivateMapping> mapping_;
  std::string failure_;
};

class ThreadGroup : public ExchangeGroup {
 public:
  ThreadGroup(const Place& place, std::shared_ptr<MeetingPlace> meetingPlace)
      : ExchangeGroup(place), meetingPlace_(std::move(meetingPlace)) {}
  ~ThreadGroup() override { meetingPlace_->leave(place().rank); }

  std::unique_ptr<SharedMemory> shared(std::size_t bytes) override {
    if (place().rank == 0) {
      try {
        meetingPlace_->handOver(std::make_shared<PrivateMapping>(bytes));
      } catch (const RunError& error) {
        fail(error.what());
        throw;
      }
    }
    const std::vector<std::vector<std::byte>> sizes = gather(toBytes(std::to_string(bytes)));
    std::shared_ptr<PrivateMapping> mapping = meetingPlace_->handOver(nullptr);
    barrier();
    if (place().rank == 0) meetingPlace_->forgetMapping();
    for (std::size_t rank = 1; rank < sizes.size(); ++rank) {
      if (sizes[rank] == sizes[0]) continue;
      throw RunError(differentSizes(static_cast<int>(rank), toText(sizes[rank]), toText(sizes[0])));
    }
    return std::make_unique<MemoryOfThreads>(std::move(mapping));
  }

  void fail(const std::string& message) override { meetingPlace_->fail(message); }
  std::string failure() const override { return meetingPlace_->failure(); }

 protected:
  std::vector<std::vector<std::byte>> exchange(Meeting meeting, std::vector<std::byte> bytes) override {
    return meetingPlace_->exchange(place().rank, meeting, std::move(bytes));
  }

 private:
  std::shared_ptr<MeetingPlace> meetingPlace_;
};

}  // namespace

std::vector<std::unique_ptr<Group>> threadGroup(const GroupOptions& options) {
  const auto meetingPlace = std::make_shared<MeetingPlace>(options.ranks, options.timeLimitS);
  std::vector<std::unique_ptr<Group>> groups;
  for (int rank = 0; rank < options.ranks; ++rank) {
    Place place;
    place.rank = rank;
    place.localRank = rank;
    place.ranks = options.ranks;
    place.groupSize = options.groupSize;
    place.threads = true;
    place.hosts = hostsOf(std::vector<std::string>(static_cast<std::size_t>(options.ranks), hostIdentity()));
    groups.push_back(std::make_unique<ThreadGroup>(place, meetingPlace));
  }
  return groups;
}

}  // namespace chunkflow
