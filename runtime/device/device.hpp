#pragma once
// The device interface that schedules are written against: streams, events, memory, copies, flags, graphs. It has two
// implementations: cuda/ for GPUs, host/ for threads and memcpy on CPU cores. Every enqueuing call returns at once; work runs in
// the order of its stream. All functions throw RunError when the device reports an error.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace chunkflow {

/// Bytes in which device memory is mapped; physical pieces and views are whole pages.
inline constexpr std::size_t DEVICE_PAGE_BYTES = std::size_t{2} << 20;

/// A FIFO of device work.
class Stream {
 public:
  struct Impl;
  explicit Stream(std::unique_ptr<Impl> impl);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// A point in a stream that others wait for. As in CUDA, a wait means the latest record enqueued before it, and an
/// event that was never recorded is done.
class Event {
 public:
  struct Impl;
  explicit Event(std::unique_ptr<Impl> impl);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Captured work of several streams that runs as one.
class Graph {
 public:
  struct Impl;
  explicit Graph(std::unique_ptr<Impl> impl);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Physical device memory in whole pages; it has no address of its own until a View maps it.
class Pages {
 public:
  struct Impl;
  explicit Pages(std::unique_ptr<Impl> impl);
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  Impl& impl() const { return *impl_; }
  std::size_t bytes() const;

 private:
  std::unique_ptr<Impl> impl_;
};

/// A contiguous range of device addresses over whole Pages, one behind the other. The same Pages may be in several
/// views: a block's resident front and the slot it shares with other blocks look like one piece of memory.
class View {
 public:
  struct Impl;
  explicit View(std::unique_ptr<Impl> impl);
  ~View();
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  std::byte* data() const;

 private:
  std::unique_ptr<Impl> impl_;
};

/// Plain device memory.
class DeviceBuffer {
 public:
  struct Impl;
  explicit DeviceBuffer(std::unique_ptr<Impl> impl);
  ~DeviceBuffer();
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  std::byte* data() const;
  std::size_t bytes() const;

 private:
  std::unique_ptr<Impl> impl_;
};

/// Host memory that is page-locked in place for this process's devices; unlocked when it goes, never freed by it.
class PageLock {
 public:
  struct Impl;
  explicit PageLock(std::unique_ptr<Impl> impl);
  ~PageLock();
  PageLock(const PageLock&) = delete;
  PageLock& operator=(const PageLock&) = delete;

 private:
  std::unique_ptr<Impl> impl_;
};

/// Which of the two implementations this library was built with, "cuda" or "host"; touches no device.
const char* backendName();

/// Identity of a device, as results files record it.
/// What the driver says of a device's link to its host; 0 where it does not.
struct PcieLink {
  unsigned lanes = 0;           // now: fewer than mostLanes where the link was trained badly
  unsigned mostLanes = 0;       // that device and slot could have
  unsigned mostGeneration = 0;  // likewise; the present one falls while a device idles
};

struct DeviceInfo {
  std::string backend;  // as backendName says it
  std::string name;
  std::string uuid;
  std::string driver;   // driver version; "" on the host
  std::string cuda;     // CUDA runtime version; "" on the host
  std::string pciBus;   // bus id; "" on the host
  std::string vbios;    // version of the device's firmware; "" where unknown
  PcieLink link;
  int numaNode = -1;    // host memory node nearest to the device; -1 where unknown
  std::size_t memoryBytes = 0;
};

struct MemoryUse {
  std::size_t allocatedBytes = 0;      // by this process through Device on this rank
  std::size_t peakAllocatedBytes = 0;  // the highest of it since resetPeak()
  std::size_t deviceUsedBytes = 0;     // what the device itself says is in use, by everybody
  std::size_t deviceFreeBytes = 0;
  std::size_t deviceUsedBeforeBytes = 0;  // in use before this process came to the device (NVML); 0 where unknown
};

/// Clock and power as the driver reports them now (NVML, loaded when present); NaN where unknown.
struct DeviceClock {
  double smHz;
  double powerW;
  double temperatureC;
};

/// Stream priority: kernels of an Urgent stream are scheduled before waiting ones of Usual streams.
enum class Priority : std::uint8_t { Usual, Urgent };

/// One rank's device. `open` is called on the thread that will drive it; every other call comes from that thread, except
/// `info`, `clock` and `flagAddress`.
class Device {
 public:
  struct Impl;
  /// @param index which device; several ranks may open the same one. @throws UserError when there is no such device.
  static std::unique_ptr<Device> open(int index);
  /// Devices there are, without opening one. The host backend says 64.
  static int count();
  explicit Device(std::unique_ptr<Impl> impl);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  Impl& impl() const { return *impl_; }

  DeviceInfo info() const;
  DeviceClock clock() const;
  MemoryUse memory() const;
  void resetPeak();

  std::unique_ptr<Stream> stream(const std::string& name, Priority priority = Priority::Usual);
  /// Wraps a stream that the caller owns; null is CUDA's default stream. On the host backend, where a caller's work runs
  /// on its own thread, it stands for that thread: see `settle`.
  std::unique_ptr<Stream> adopt(void* handle);
  /// @param timed whether elapsedS may be asked of it; timed ones cost more.
  std::unique_ptr<Event> event(bool timed);
  std::unique_ptr<DeviceBuffer> buffer(std::size_t bytes);
  std::unique_ptr<Pages> pages(std::size_t bytes);
  std::unique_ptr<View> view(std::span<Pages* const> parts);
  /// Page-locks memory that already exists and is already touched. @throws RunError with the bytes when refused.
  std::unique_ptr<PageLock> lock(void* data, std::size_t bytes);
  /// Waits for everything enqueued so far on all streams of this device.
  void synchronize();

 private:
  std::unique_ptr<Impl> impl_;
};

/// Makes a device the calling thread's for as long as this lives: a null stream is that of the thread's device.
class Entered {
 public:
  explicit Entered(Device& device);
  ~Entered();
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

 private:
  int before_ = -1;  // the thread's device before, where it was another that is in use
};

void record(Stream& stream, Event& event);
void wait(Stream& stream, Event& event);
void synchronize(Stream& stream);
/// Whether everything enqueued so far is done; never blocks.
bool idle(Stream& stream);
/// Completes waits that were enqueued on an adopted stream. A no-op on a GPU, where the stream itself is ordered; on the host backend
/// the calling thread is the stream, so it waits here.
void settle(Stream& stream);
/// Seconds from one timed event to another, both done.
double elapsedS(const Event& from, const Event& to);

/// Copies; `host` is page-locked memory. Sizes in bytes.
void copyToDevice(Stream& stream, void* device, const void* host, std::size_t bytes);
void copyToHost(Stream& stream, void* host, const void* device, std::size_t bytes);
void copyOnDevice(Stream& stream, void* to, const void* from, std::size_t bytes);
void fill(Stream& stream, void* device, unsigned char byte, std::size_t bytes);

/// Enqueues a delay of so many seconds: a kernel of one thread that polls the clock.
void delay(Stream& stream, double seconds);

/// Base of flag values, which grows from step to step. Eager calls add `onHost`; captured work reads the base from device memory
/// (`onDevice`), so that one graph serves every step.
struct StepBase {
  std::uint32_t onHost = 0;
  std::uint32_t* onDevice = nullptr;
};

/// Flags are 32-bit counters in page-locked memory that only grow (compared modulo 2^32, as signed difference).
/// signal: behind everything before it in the stream, visible to every thread and process of the host.
void signal(Stream& stream, std::uint32_t* flag, const StepBase& base, std::uint32_t ordinal);
/// await: nothing behind it in the stream starts before the flag has reached base + ordinal.
void await(Stream& stream, const std::uint32_t* flag, const StepBase& base, std::uint32_t ordinal);
/// Adds to base.onDevice, in stream order.
void advance(Stream& stream, const StepBase& base, std::uint32_t by);

/// A gate is a word in page-locked memory: `setGate` writes it and `awaitGate` holds its stream until it has that value.
void setGate(Stream& stream, std::uint32_t* gate, std::uint32_t value);
void awaitGate(Stream& stream, const std::uint32_t* gate, std::uint32_t value);

/// 64-bit sums of each `chunkBytes` of a range, one per chunk (the last may be short), into `sums` in device memory.
/// Defined for both backends as: sum over the range's little-endian 32-bit words w at word index i (from the start of the
/// chunk) of (w + 1) * (2 i + 1), modulo 2^64; a last word that is short is padded with zeros.
void checksum(Stream& stream, const void* device, std::size_t bytes, std::size_t chunkBytes, std::uint64_t* sums);
/// The same on the host, of one chunk.
std::uint64_t checksumOnHost(const void* data, std::size_t bytes);

/// Capture: everything enqueued between the two on `origin` and on streams that waited for it (directly or not) is not
/// run but kept. All those streams must have been joined back to `origin` by waits before the end.
void beginCapture(Device& device, Stream& origin);
std::unique_ptr<Graph> endCapture(Device& device, Stream& origin);
void launch(Stream& stream, Graph& graph);

/// Host backend only: runs `function` in stream order, on the thread that is the stream; captured like any other work. What
/// it throws is thrown as a RunError by a later call for this device.
void callOnHost(Stream& stream, std::function<void()> function);

/// Named range on the calling host thread (NVTX; nothing on the host backend).
void pushRange(const char* name);
void popRange();

}  // namespace chunkflow
