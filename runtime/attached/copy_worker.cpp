#include "attached/copy_worker.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace chunkflow {

CopyWorker::CopyWorker(Device& device, const CopyStreams& streams)
    : device_(device), streams_(streams), thread_([this] { work(); }) {}

CopyWorker::~CopyWorker() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ready_.notify_one();
  thread_.join();
}

std::uint64_t CopyWorker::submit(std::vector<CopyCommand> batch) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    batches_.push_back(std::move(batch));
  }
  ready_.notify_one();
  return ++submitted_;
}

void CopyWorker::waitUntilEnqueued(std::uint64_t batch) {
  constexpr int YIELDS = 256;
  if (enqueued_.load(std::memory_order_acquire) < batch) {
    const auto started = std::chrono::steady_clock::now();
    for (int i = 0; enqueued_.load(std::memory_order_acquire) < batch; ++i) {
      if (i < YIELDS) {
        std::this_thread::yield();
      } else {
        std::this_thread::sleep_for(std::chrono::microseconds(5));
      }
    }
    waited_ += std::chrono::steady_clock::now() - started;
  }
  if (!failed_.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(mutex_);
  std::rethrow_exception(failure_);
}

void CopyWorker::work() {
  std::optional<Entered> entered;
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [this] { return ending_ || !batches_.empty(); });
    if (batches_.empty()) return;
    const std::vector<CopyCommand> batch = std::move(batches_.front());
    batches_.pop_front();
    const bool skip = failure_ != nullptr;
    lock.unlock();
    std::exception_ptr failure;
    try {
      if (!entered) entered.emplace(device_);
      if (!skip) std::for_each(batch.begin(), batch.end(), [this](const CopyCommand& command) { enqueue(command); });
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure && !failure_) {
      failure_ = failure;
      failed_.store(true, std::memory_order_release);
    }
    enqueued_.fetch_add(1, std::memory_order_release);
  }
}

void CopyWorker::enqueue(const CopyCommand& command) {
  Stream& stream = streams_[command.stream];
  switch (command.kind) {
    case CopyCommand::Kind::Wait: return wait(stream, *command.event);
    case CopyCommand::Kind::Record: return record(stream, *command.event);
    case CopyCommand::Kind::Signal: return signal(stream, command.flag, {}, command.ordinal);
    case CopyCommand::Kind::Await: return await(stream, command.flag, {}, command.ordinal);
    case CopyCommand::Kind::ToHost: return copyToHost(stream, command.to, command.from, command.bytes);
    case CopyCommand::Kind::ToDevice: break;
  }
  if (command.chunkBytes == 0) return copyToDevice(stream, command.to, command.from, command.bytes);
  for (std::uint64_t at = 0; at < command.bytes; at += command.chunkBytes) {
    copyToDevice(stream, command.to + at, command.from + at,
                 static_cast<std::size_t>(std::min(command.chunkBytes, command.bytes - at)));
    if (command.paceS > 0) delay(stream, command.paceS);
    chunks_.fetch_add(1, std::memory_order_relaxed);
  }
  bytes_.fetch_add(command.bytes, std::memory_order_relaxed);
}

}  // namespace chunkflow
