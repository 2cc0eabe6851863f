#pragma once
// Implementation types of the host backend: devices, streams, events and captures on CPU threads.
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "device/device.hpp"
#include "device/host/queue.hpp"

namespace chunkflow {

/// A capture: recorded calls, with the order among streams, so that a stream that was never joined is reported.
struct HostCapture {
  struct Member {
    Stream::Impl* stream;
    std::size_t work = 0;           // operations kept of this stream
    std::vector<std::size_t> seen;  // of each member, how many operations lie before whatever comes next here
  };
  std::uint64_t id;
  std::vector<Member> members;               // the origin first
  std::vector<std::function<void()>> calls;  // each enqueues one thing

  static void merge(std::vector<std::size_t>& into, const std::vector<std::size_t>& from) {
    into.resize(std::max(into.size(), from.size()));
    for (std::size_t i = 0; i < from.size(); ++i) into[i] = std::max(into[i], from[i]);
  }
};

/// State shared by all objects of one device (reference counted).
struct HostHardware {
  FairMutex toDevice, toHost;  // one copy engine per direction
  std::vector<Stream::Impl*> streams;
  std::size_t allocatedBytes = 0, peakBytes = 0;
  std::unique_ptr<HostCapture> capture;
  std::uint64_t captures = 0;

  void fail(const char* message) {
    const std::lock_guard lock(failureMutex_);
    if (failure_.empty()) failure_ = message;
    failed_.store(true, std::memory_order_release);
  }

  /// Throws what an operation of a stream has thrown; as on a GPU, such a device does not recover.
  void check() {
    if (!failed_.load(std::memory_order_acquire)) return;
    const std::lock_guard lock(failureMutex_);
    throw RunError(failure_);
  }

 private:
  std::atomic<bool> failed_{false};
  std::mutex failureMutex_;
  std::string failure_;
};

struct Stream::Impl {
  std::shared_ptr<HostHardware> hardware;
  std::string name;
  HostCapture* capture = nullptr;  // while this stream is part of one
  std::size_t member = 0;          // its place among the capture's members
  HostQueue queue;

  Impl(std::shared_ptr<HostHardware> of, const std::string& named)
      : hardware(std::move(of)),
        name(named),
        queue(named, [device = hardware.get()](const char* message) { device->fail(message); }) {
    hardware->streams.push_back(this);
  }
  ~Impl() { std::erase(hardware->streams, this); }

  void join(HostCapture& into) {
    capture = &into;
    member = into.members.size();
    into.members.push_back({this, 0, {}});
  }

  HostCapture::Member& captured() { return capture->members[member]; }

  void countWork() {
    HostCapture::Member& own = captured();
    own.seen.resize(std::max(own.seen.size(), member + 1));
    own.seen[member] = ++own.work;
  }

  /// Enqueues an operation, or keeps it for the graph.
  void enqueue(std::function<void()> operation) {
    hardware->check();
    if (capture == nullptr) {
      queue.push(std::move(operation));
      return;
    }
    countWork();
    capture->calls.push_back([this, kept = std::move(operation)] { queue.push(kept); });
  }

  std::shared_ptr<HostPoint> point() {
    auto made = std::make_shared<HostPoint>();
    queue.push([made] { made->reach(); });
    return made;
  }

  void waitFor(std::shared_ptr<HostPoint> point) {
    if (point != nullptr) queue.push([point = std::move(point)] { point->wait(); });
  }

  void mustNotBeCaptured(const char* call) const {
    if (capture == nullptr) return;
    throw RunError(std::string(call) + " of stream " + name + " while it is captured; end the capture first");
  }
};

struct Event::Impl {
  explicit Impl(bool isTimed) : timed(isTimed) {}

  bool timed;
  std::shared_ptr<HostPoint> latest;  // null: never recorded
  std::uint64_t capture = 0;          // the capture that holds the latest record; 0: none
  std::vector<std::size_t> seen;      // what lies before that record
};

struct Graph::Impl {
  std::shared_ptr<HostHardware> hardware;
  std::vector<Stream::Impl*> streams;
  std::vector<std::function<void()>> calls;
};

struct Device::Impl {
  int index;
  std::shared_ptr<HostHardware> hardware = std::make_shared<HostHardware>();
};

/// The text behind the first "key : " of a file such as /proc/meminfo; "" where there is none.
std::string procText(const char* path, const std::string& key);
/// A size of /proc/meminfo, such as "MemTotal", in bytes.
std::size_t procMemoryBytes(const char* key);

}  // namespace chunkflow
