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
      : timeLimitS_(timeLimitS), brought_(ranks), meetings_(ranks), present_(ranks, false), left_(ranks, false) {}

  Contributions exchange(int rank, Meeting meeting, std::vector<std::byte> bytes) {
    std::unique_lock lock(mutex_);
    throwIfFailed();
    brought_[rank] = std::move(bytes);
    meetings_[rank] = meeting;
    present_[rank] = true;
    const std::uint64_t mine = generation_;
    if (std::find(present_.begin(), present_.end(), false) == present_.end()) {
      meetUp();
    } else {
      const auto limit = std::chrono::duration<double>(timeLimitS_);
      const bool inTime = changed_.wait_for(
          lock, limit, [&] { return generation_ != mine || !failure_.empty() || someoneLeft() >= 0; });
      if (generation_ == mine && failure_.empty()) {
        failLocked(inTime ? endedEarly(someoneLeft()) : waitedTooLong(rank, timeLimitS_, meeting, missing()));
      }
    }
    if (generation_ == mine) throwIfFailed();
    // The next exchange cannot overwrite these bytes before this rank has joined it.
    return *result_;
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
  void meetUp() {
    for (std::size_t rank = 1; rank < meetings_.size(); ++rank) {
      if (meetings_[rank] == meetings_[0]) continue;
      failLocked(differentCalls(static_cast<int>(rank), meetings_[rank], meetings_[0]));
      return;
    }
    result_ = std::make_shared<const Contributions>(std::exchange(brought_, Contributions(brought_.size())));
    present_.assign(present_.size(), false);
    ++generation_;
    changed_.notify_all();
  }

  /// A rank that the others wait for and that will not come, or -1.
  int someoneLeft() const {
    for (std::size_t rank = 0; rank < left_.size(); ++rank) {
      if (left_[rank] && !present_[rank]) return static_cast<int>(rank);
    }
    return -1;
  }

  std::string missing() const {
    return "rank " + std::to_string(std::find(present_.begin(), present_.end(), false) - present_.begin());
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
  std::uint64_t generation_ = 0;
  Contributions brought_;
  std::vector<Meeting> meetings_;
  std::vector<bool> present_, left_;
  std::shared_ptr<const Contributions> result_;
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
    groups.push_back(std::make_unique<ThreadGroup>(place, meetingPlace));
  }
  return groups;
}

}  // namespace chunkflow
