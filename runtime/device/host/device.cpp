// Devices that are CPU cores: a stream is a thread, a copy is memcpy, device memory is anonymous shared memory. It runs
// any generated program anywhere; its times are those of the cores.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>

#include "device/host/hardware.hpp"

namespace chunkflow {
namespace {

constexpr int DEVICES = 64;

/// Waits until `reached()`. Cores are few, so it soon stops spinning: whoever is waited for may need this one.
template <typename Reached>
void waitUntil(Reached reached) {
  constexpr int YIELDS = 64;
  for (int i = 0; !reached(); ++i) {
    if (i < YIELDS) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  }
}

std::uint32_t load(const std::uint32_t* word) {
  return std::atomic_ref(*const_cast<std::uint32_t*>(word)).load(std::memory_order_acquire);
}

void store(std::uint32_t* word, std::uint32_t value) { std::atomic_ref(*word).store(value, std::memory_order_release); }

bool hasReached(const std::uint32_t* flag, std::uint32_t target) {
  return static_cast<std::int32_t>(load(flag) - target) >= 0;
}

}  // namespace

std::string procText(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const std::size_t colon = line.find(':');
    const std::size_t text = colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
    if (text != std::string::npos) return line.substr(text);
  }
  return "";
}

std::size_t procMemoryBytes(const char* key) {
  constexpr std::size_t UNIT_BYTES = 1024;
  return std::strtoull(procText("/proc/meminfo", key).c_str(), nullptr, 10) * UNIT_BYTES;
}

Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stream::~Stream() = default;
Event::Event(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Event::~Event() = default;
Device::Device(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Device::~Device() = default;

std::unique_ptr<Device> Device::open(int index) {
  if (index < 0 || index >= DEVICES) {
    throw UserError("device " + std::to_string(index) + ": the host backend has devices 0 to " +
                    std::to_string(DEVICES - 1) + "; choose others with --devices");
  }
  return std::make_unique<Device>(std::unique_ptr<Impl>(new Impl{index}));
}

int Device::count() { return DEVICES; }

const char* backendName() { return "host"; }

DeviceInfo Device::info() const {
  DeviceInfo info;
  info.backend = backendName();
  info.name = procText("/proc/cpuinfo", "model name");
  if (info.name.empty()) info.name = "CPU";
  // Ranks of several machines do not share a device because each calls its own the first.
  constexpr std::size_t ENOUGH_CHARACTERS = 8;
  std::string machine;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), machine);
  info.uuid = "host-" + machine.substr(0, ENOUGH_CHARACTERS) + "-" + std::to_string(impl_->index);
  info.memoryBytes = procMemoryBytes("MemTotal");
  return info;
}

DeviceClock Device::clock() const {
  constexpr double UNKNOWN = std::numeric_limits<double>::quiet_NaN();
  return {UNKNOWN, UNKNOWN, UNKNOWN};
}

std::unique_ptr<Stream> Device::stream(const std::string& name, Priority) {
  return std::make_unique<Stream>(std::make_unique<Stream::Impl>(impl_->hardware, name));
}

std::unique_ptr<Stream> Device::adopt(void*) { return stream("caller"); }

Entered::Entered(Device&) {}
Entered::~Entered() = default;

std::unique_ptr<Event> Device::event(bool timed) {
  return std::make_unique<Event>(std::make_unique<Event::Impl>(timed));
}

void Device::synchronize() {
  for (Stream::Impl* stream : impl_->hardware->streams) {
    stream->mustNotBeCaptured("synchronize");
    stream->queue.drain();
  }
  impl_->hardware->check();
}

void record(Stream& stream, Event& event) {
  Stream::Impl& on = stream.impl();
  Event::Impl& of = event.impl();
  on.hardware->check();
  if (on.capture == nullptr) {
    of.latest = on.point();
    of.capture = 0;
    return;
  }
  // A timed record is an operation of its own in a CUDA graph, so it has to be joined like one.
  if (of.timed) on.countWork();
  of.capture = on.capture->id;
  of.seen = on.captured().seen;
  on.capture->calls.push_back([&on, &of] { of.latest = on.point(); });
}

void wait(Stream& stream, Event& event) {
  Stream::Impl& on = stream.impl();
  Event::Impl& of = event.impl();
  on.hardware->check();
  HostCapture* const active = on.hardware->capture.get();
  const bool isCaptured = active != nullptr && of.capture == active->id;
  if (isCaptured) {
    if (on.capture == nullptr) on.join(*active);
    HostCapture::merge(on.captured().seen, of.seen);
    active->calls.push_back([&on, &of] { on.waitFor(of.latest); });
  } else if (on.capture == nullptr) {
    on.waitFor(of.latest);
  }
  // What is left is a captured stream that waits for something outside: the stream of the launch orders that.
}

void synchronize(Stream& stream) {
  stream.impl().mustNotBeCaptured("synchronize");
  stream.impl().queue.drain();
  stream.impl().hardware->check();
}

void settle(Stream& stream) { synchronize(stream); }

bool idle(Stream& stream) {
  stream.impl().mustNotBeCaptured("idle");
  stream.impl().hardware->check();
  return stream.impl().queue.idle();
}

double elapsedS(const Event& from, const Event& to) {
  const auto time = [](const Event::Impl& event) {
    if (!event.timed || event.latest == nullptr) {
      throw RunError("elapsed time of an event that is not timed or was never recorded; make it with event(true)");
    }
    const auto [reached, at] = event.latest->state();
    if (!reached) throw RunError("elapsed time of an event that is not done; synchronize its stream first");
    return at;
  };
  return std::chrono::duration<double>(time(to.impl()) - time(from.impl())).count();
}

void copyToDevice(Stream& stream, void* device, const void* host, std::size_t bytes) {
  stream.impl().enqueue([engine = &stream.impl().hardware->toDevice, device, host, bytes] {
    const std::lock_guard turn(*engine);
    if (bytes != 0) std::memcpy(device, host, bytes);
  });
}

void copyToHost(Stream& stream, void* host, const void* device, std::size_t bytes) {
  stream.impl().enqueue([engine = &stream.impl().hardware->toHost, host, device, bytes] {
    const std::lock_guard turn(*engine);
    if (bytes != 0) std::memcpy(host, device, bytes);
  });
}

void copyOnDevice(Stream& stream, void* to, const void* from, std::size_t bytes) {
  stream.impl().enqueue([=] {
    if (bytes != 0) std::memcpy(to, from, bytes);
  });
}

void fill(Stream& stream, void* device, unsigned char byte, std::size_t bytes) {
  stream.impl().enqueue([=] {
    if (bytes != 0) std::memset(device, byte, bytes);
  });
}

void delay(Stream& stream, double seconds) {
  stream.impl().enqueue([seconds] {
    // A sleep may end this much too late, so the rest is spun.
    constexpr auto SPIN = std::chrono::microseconds(50);
    const auto deadline = HostClock::now() + std::chrono::duration_cast<HostClock::duration>(
                                                 std::chrono::duration<double>(seconds));
    std::this_thread::sleep_until(deadline - SPIN);
    while (HostClock::now() < deadline) std::this_thread::yield();
  });
}

void signal(Stream& stream, std::uint32_t* flag, const StepBase& base, std::uint32_t ordinal) {
  if (stream.impl().capture == nullptr) {
    stream.impl().enqueue([flag, value = base.onHost + ordinal] { store(flag, value); });
  } else {
    stream.impl().enqueue([flag, step = base.onDevice, ordinal] { store(flag, load(step) + ordinal); });
  }
}

void await(Stream& stream, const std::uint32_t* flag, const StepBase& base, std::uint32_t ordinal) {
  if (stream.impl().capture == nullptr) {
    stream.impl().enqueue([flag, target = base.onHost + ordinal] {
      waitUntil([=] { return hasReached(flag, target); });
    });
  } else {
    stream.impl().enqueue([flag, step = base.onDevice, ordinal] {
      waitUntil([=, target = load(step) + ordinal] { return hasReached(flag, target); });
    });
  }
}

void advance(Stream& stream, const StepBase& base, std::uint32_t by) {
  stream.impl().enqueue([step = base.onDevice, by] { store(step, load(step) + by); });
}

void setGate(Stream& stream, std::uint32_t* gate, std::uint32_t value) {
  stream.impl().enqueue([=] { store(gate, value); });
}

void awaitGate(Stream& stream, const std::uint32_t* gate, std::uint32_t value) {
  stream.impl().enqueue([=] { waitUntil([=] { return load(gate) == value; }); });
}

void checksum(Stream& stream, const void* device, std::size_t bytes, std::size_t chunkBytes, std::uint64_t* sums) {
  if (chunkBytes == 0) throw RunError("checksum: chunks of 0 bytes");
  stream.impl().enqueue([=] {
    for (std::size_t at = 0; at < bytes; at += chunkBytes) {
      sums[at / chunkBytes] =
          checksumOnHost(static_cast<const std::byte*>(device) + at, std::min(chunkBytes, bytes - at));
    }
  });
}

void callOnHost(Stream& stream, std::function<void()> function) { stream.impl().enqueue(std::move(function)); }

void pushRange(const char*) {}
void popRange() {}

}  // namespace chunkflow
