#pragma once
// The thread that enqueues copies. A window may hold forty chunks, each a call of microseconds: made on the thread that launches
// the model's kernels they would cost it a percent of a step.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "device/device.hpp"
#include "program/rank.hpp"

namespace chunkflow {

/// One operation for one of the worker's streams.
struct CopyCommand {
  enum class Kind : std::uint8_t { Wait, Record, ToDevice, ToHost, Signal, Await };
  Kind kind;
  On stream = On::Copy;
  Event* event = nullptr;  // Wait, Record
  std::byte* to = nullptr;
  const std::byte* from = nullptr;
  std::uint64_t bytes = 0, chunkBytes = 0;
  double paceS = 0;
  std::uint32_t* flag = nullptr;  // Signal, Await
  std::uint32_t ordinal = 0;
};

/// Streams that the worker feeds; those of staged collectives are null where a plan has none.
struct CopyStreams {
  std::unique_ptr<Stream> copy, stageOut, stageIn;
  Stream& operator[](On on) const { return on == On::Copy ? *copy : on == On::StageOut ? *stageOut : *stageIn; }
};

class CopyWorker {
 public:
  CopyWorker(Device& device, const CopyStreams& streams);
  ~CopyWorker();
  CopyWorker(const CopyWorker&) = delete;
  CopyWorker& operator=(const CopyWorker&) = delete;

  /// @returns the number of this batch, from 1. @throws what an earlier batch has failed with.
  std::uint64_t submit(std::vector<CopyCommand> batch);
  /// The number that the next batch will have.
  std::uint64_t next() const { return submitted_ + 1; }
  /// Waits until a batch has been enqueued (not until it is done). @throws what it, or one before it, has failed with.
  void waitUntilEnqueued(std::uint64_t batch);
  void drain() { waitUntilEnqueued(submitted_); }
  /// Time that the submitting thread has spent in `waitUntilEnqueued` for batches that were not enqueued when it came: this thread's
  /// own latency, and its blocking in calls of CUDA while a stream's queue is full.
  std::chrono::nanoseconds waited() const { return waited_; }

  std::uint64_t chunks() const { return chunks_.load(std::memory_order_relaxed); }
  /// Of weights, as are `chunks`.
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  void work();
  void enqueue(const CopyCommand& command);

  Device& device_;
  const CopyStreams& streams_;
  std::uint64_t submitted_ = 0;  // of the submitting thread
  std::chrono::nanoseconds waited_{0};  // likewise
  std::atomic<std::uint64_t> enqueued_{0}, chunks_{0}, bytes_{0};
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::vector<CopyCommand>> batches_;
  std::exception_ptr failure_;
  std::atomic<bool> failed_{false};
  bool ending_ = false;
  std::thread thread_;  // last, so that it starts with all of the above in place
};

}  // namespace chunkflow
