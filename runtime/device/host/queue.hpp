#pragma once
// Hardware queues emulated on CPU cores: a thread that works off a FIFO (a stream), a lock that is passed on in order of
// arrival (a copy engine), and one record of an event.
#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace chunkflow {

using HostClock = std::chrono::steady_clock;

/// A thread that runs what is pushed, one after the other; destruction waits for the rest of it.
class HostQueue {
 public:
  /// @param failed is told what an operation threw, on the queue's thread; the queue goes on with the next operation.
  HostQueue(const std::string& name, std::function<void(const char*)> failed)
      : failed_(std::move(failed)), thread_([this] { work(); }) {
    constexpr std::size_t LONGEST_THREAD_NAME = 15;
    pthread_setname_np(thread_.native_handle(), name.substr(0, LONGEST_THREAD_NAME).c_str());
  }

  ~HostQueue() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    ready_.notify_one();
    thread_.join();
  }

  HostQueue(const HostQueue&) = delete;
  HostQueue& operator=(const HostQueue&) = delete;

  void push(std::function<void()> operation) {
    {
      const std::lock_guard lock(mutex_);
      operations_.push_back(std::move(operation));
      ++pushed_;
    }
    ready_.notify_one();
  }

  /// Whether everything pushed so far is done.
  bool idle() {
    const std::lock_guard lock(mutex_);
    return done_ == pushed_;
  }

  /// Waits for everything pushed so far.
  void drain() {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [this, target = pushed_] { return done_ >= target; });
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      ready_.wait(lock, [this] { return ending_ || !operations_.empty(); });
      if (operations_.empty()) return;
      std::function<void()> operation = std::move(operations_.front());
      operations_.pop_front();
      lock.unlock();
      try {
        operation();
      } catch (const std::exception& error) {
        failed_(error.what());
      }
      // What the operation holds goes before it counts as done: whoever has drained the queue may free what it
      // points to.
      operation = nullptr;
      lock.lock();
      ++done_;
      finished_.notify_all();
    }
  }

  std::function<void(const char*)> failed_;
  std::mutex mutex_;
  std::condition_variable ready_, finished_;
  std::deque<std::function<void()>> operations_;
  std::uint64_t pushed_ = 0, done_ = 0;
  bool ending_ = false;
  std::thread thread_;  // last, so that it starts with all of the above in place
};

/// A mutex that is passed on in order of arrival, as a copy engine takes copies in the order in which they become
/// ready.
class FairMutex {
 public:
  void lock() {
    std::unique_lock lock(mutex_);
    const std::uint64_t turn = next_++;
    passed_.wait(lock, [&] { return serving_ == turn; });
  }

  void unlock() {
    {
      const std::lock_guard lock(mutex_);
      ++serving_;
    }
    passed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable passed_;
  std::uint64_t next_ = 0, serving_ = 0;
};

/// One record of an event. Each record has a point of its own, so that a wait means exactly the record it was made for.
class HostPoint {
 public:
  void reach() {
    {
      const std::lock_guard lock(mutex_);
      reachedAt_ = HostClock::now();
      reached_ = true;
    }
    condition_.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [this] { return reached_; });
  }

  /// @returns whether it was reached, and when.
  std::pair<bool, HostClock::time_point> state() {
    const std::lock_guard lock(mutex_);
    return {reached_, reachedAt_};
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool reached_ = false;
  HostClock::time_point reachedAt_{};
};

}  // namespace chunkflow
