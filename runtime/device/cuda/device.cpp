// Devices, streams, events and copies on a GPU. Its memory is in memory.cpp, flags in flags.cu, graphs in
// graph.cpp.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <mutex>

#if __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>
#define CHUNKFLOW_NVTX 1
#endif

#include "device/cuda/device.hpp"
#include "device/cuda/driver.hpp"
#include "device/cuda/errors.hpp"

namespace chunkflow {
namespace {

/// Ranks that share a device spin on each other's flags: streams must never share a hardware queue, and no kernel may
/// be loaded (which waits for the device) while a step is in flight. Read by CUDA at its first call; what the user has
/// set stays.
void setEnvironment() {
  static std::once_flag once;
  std::call_once(once, [] {
    setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", 0);
    setenv("CUDA_MODULE_LOADING", "EAGER", 0);
  });
}

std::string uuidText(const cudaUUID_t& uuid) {
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    char byte[3];
    std::snprintf(byte, sizeof byte, "%02x", static_cast<unsigned char>(uuid.bytes[i]));
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += byte;
  }
  return text;
}

int numaNodeOf(std::string pciBus) {
  std::transform(pciBus.begin(), pciBus.end(), pciBus.begin(), [](unsigned char c) { return std::tolower(c); });
  std::ifstream file("/sys/bus/pci/devices/" + pciBus + "/numa_node");
  int node = -1;
  return file >> node ? node : -1;
}

std::string versionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// Device memory used by other processes. Only known before this process has a context there, so it is read once per device.
std::size_t usedBefore(int index, const NvmlDevice* nvml) {
  static std::mutex mutex;
  static std::map<int, std::size_t> used;
  const std::lock_guard lock(mutex);
  const auto [entry, isNew] = used.try_emplace(index, 0);
  if (isNew && nvml != nullptr) entry->second = nvml->usedBytes();
  return entry->second;
}

}  // namespace

CudaDevice::~CudaDevice() {
  if (launched != nullptr) cudaEventDestroy(launched);
}

Device::Device(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Device::~Device() = default;

int Device::count() {
  setEnvironment();
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (code != cudaSuccess) cudaGetLastError();
  return code == cudaSuccess ? count : 0;
}

std::unique_ptr<Device> Device::open(int index) {
  setEnvironment();
  const std::string name = "device " + std::to_string(index);
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (code != cudaSuccess || count == 0) {
    cudaGetLastError();
    const char* why = code == cudaSuccess ? "none is visible" : cudaGetErrorString(code);
    throw UserError(name + ": no GPU can be used here (" + why +
                    "); run where nvidia-smi lists one, or build with the host backend");
  }
  if (index < 0 || index >= count) {
    throw UserError(name + ": there are " + std::to_string(count) +
                    " GPUs, numbered from 0; choose others with --devices");
  }

  auto device = std::make_shared<CudaDevice>();
  device->index = index;
  char bus[32] = "";
  checkCuda(cudaDeviceGetPCIBusId(bus, sizeof bus, index), name + ": PCI bus id");
  device->nvml = NvmlDevice::find(bus);
  device->usedBeforeBytes = usedBefore(index, device->nvml.get());

  checkCuda(cudaSetDevice(index), name);
  // The context is made by the first call that needs one; here, and not in the middle of a step.
  checkCuda(cudaFree(nullptr), name + ": making a context");
  cudaDeviceProp properties;
  checkCuda(cudaGetDeviceProperties(&properties, index), name + ": properties");
  if (!kernelsServe()) {
    const std::string architecture = std::to_string(properties.major * 10 + properties.minor);
    throw UserError(name + " is a " + properties.name + " of architecture " + architecture +
                    ", for which this build has no code; build with -DCHUNKFLOW_ARCHITECTURES=" + architecture);
  }
  int runtime = 0, driver = 0, samePointers = 0;
  checkCuda(cudaRuntimeGetVersion(&runtime), name + ": runtime version");
  checkCuda(cudaDriverGetVersion(&driver), name + ": driver version");
  checkCuda(cudaDeviceGetAttribute(&samePointers, cudaDevAttrCanUseHostPointerForRegisteredMem, index),
            name + ": attribute");
  device->hostPointersServe = samePointers != 0;
  DeviceInfo& info = device->info;
  info.backend = backendName();
  info.name = properties.name;
  info.uuid = uuidText(properties.uuid);
  info.driver = device->nvml != nullptr ? device->nvml->driverVersion() : "";
  if (info.driver.empty()) info.driver = "CUDA " + versionText(driver);
  info.cuda = versionText(runtime);
  info.pciBus = bus;
  if (device->nvml != nullptr) {
    info.vbios = device->nvml->vbiosVersion();
    info.link = device->nvml->link();
  }
  info.numaNode = numaNodeOf(bus);
  info.memoryBytes = properties.totalGlobalMem;
  checkCuda(cudaEventCreateWithFlags(&device->launched, cudaEventDisableTiming), name + ": event");
  return std::make_unique<Device>(std::make_unique<Impl>(Impl{std::move(device)}));
}

const char* backendName() { return "cuda"; }

DeviceInfo Device::info() const { return impl_->device->info; }

DeviceClock Device::clock() const {
  constexpr double UNKNOWN = std::numeric_limits<double>::quiet_NaN();
  return impl_->device->nvml != nullptr ? impl_->device->nvml->clock() : DeviceClock{UNKNOWN, UNKNOWN, UNKNOWN};
}

void Device::synchronize() {
  // No cudaDeviceSynchronize: another rank's streams on this device may wait for work that this thread has yet to enqueue.
  for (const Stream::Impl* stream : impl_->device->streams) {
    checkCuda(cudaStreamSynchronize(stream->stream), "waiting for stream " + stream->name);
  }
}

Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stream::~Stream() = default;

std::unique_ptr<Stream> Device::stream(const std::string& name, Priority priority) {
  auto impl = std::make_unique<Stream::Impl>();
  impl->device = impl_->device;
  impl->name = name;
  int least = 0, greatest = 0;
  checkCuda(cudaDeviceGetStreamPriorityRange(&least, &greatest), "stream priorities");
  const int value = priority == Priority::Urgent ? greatest : least;
  checkCuda(cudaStreamCreateWithPriority(&impl->stream, cudaStreamNonBlocking, value), "stream " + name);
  impl_->device->streams.push_back(impl.get());
  return std::make_unique<Stream>(std::move(impl));
}

std::unique_ptr<Stream> Device::adopt(void* handle) {
  auto impl = std::make_unique<Stream::Impl>();
  impl->device = impl_->device;
  impl->name = "caller";
  impl->stream = static_cast<cudaStream_t>(handle);
  impl->isOwn = false;
  return std::make_unique<Stream>(std::move(impl));
}

namespace {

/// Whether this process has a context on a device. Setting a device that has none makes one, of half a gigabyte.
bool hasContext(int device) {
  unsigned flags = 0;
  int isActive = 0;
  checkDriver(cudaDriver().devicePrimaryCtxGetState(device, &flags, &isActive), "context of a thread's device before");
  return isActive != 0;
}

}  // namespace

Entered::Entered(Device& device) {
  const int index = device.impl().device->index;
  int current = index;
  checkCuda(cudaGetDevice(&current), "device of a thread");
  if (current == index) return;
  // CUDA reports device 0 for a thread that has never set one.
  if (hasContext(current)) before_ = current;
  checkCuda(cudaSetDevice(index), "device of a thread");
}

Entered::~Entered() {
  if (before_ >= 0) cudaSetDevice(before_);
}

Stream::Impl::~Impl() {
  std::erase(device->streams, this);
  if (isOwn && stream != nullptr) cudaStreamDestroy(stream);
}

bool Stream::Impl::isCapturing() const {
  // Called for every flag and event, so it makes no CUDA call outside of captures.
  if (device->capture == 0) return false;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  checkCuda(cudaStreamIsCapturing(stream, &status), "capture status");
  return status != cudaStreamCaptureStatusNone;
}

Event::Event(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Event::~Event() = default;

Event::Impl::~Impl() {
  if (event != nullptr) cudaEventDestroy(event);
  if (order != nullptr) cudaEventDestroy(order);
}

std::unique_ptr<Event> Device::event(bool timed) {
  auto impl = std::make_unique<Event::Impl>();
  impl->device = impl_->device;
  impl->timed = timed;
  checkCuda(cudaEventCreateWithFlags(&impl->event, timed ? cudaEventDefault : cudaEventDisableTiming), "event");
  if (timed) checkCuda(cudaEventCreateWithFlags(&impl->order, cudaEventDisableTiming), "event");
  return std::make_unique<Event>(std::move(impl));
}

void record(Stream& stream, Event& event) {
  Event::Impl& of = event.impl();
  const bool isCapturing = stream.impl().isCapturing();
  of.capture = isCapturing ? of.device->capture : 0;
  if (isCapturing && of.timed) {
    checkCuda(cudaEventRecordWithFlags(of.event, cudaStreamOf(stream), cudaEventRecordExternal),
              "timed event in a capture");
    checkCuda(cudaEventRecord(of.order, cudaStreamOf(stream)), "event");
    return;
  }
  checkCuda(cudaEventRecord(of.event, cudaStreamOf(stream)), "event");
}

void wait(Stream& stream, Event& event) {
  const Event::Impl& of = event.impl();
  const CudaDevice& device = *of.device;
  cudaEvent_t point = of.timed && of.capture != 0 ? of.order : of.event;
  if (of.capture == 0) {
    // Recorded outside of the capture: the stream in which the graph will be launched is ordered behind it.
    if (stream.impl().isCapturing()) return;
  } else if (of.capture != device.capture) {
    // Recorded in an earlier capture: it is reached when the latest launch has ended at the latest.
    if (stream.impl().isCapturing()) return;
    point = device.launched;
  }
  checkCuda(cudaStreamWaitEvent(cudaStreamOf(stream), point, 0), "wait for an event");
}

void synchronize(Stream& stream) {
  checkCuda(cudaStreamSynchronize(cudaStreamOf(stream)), "waiting for stream " + stream.impl().name);
}

void settle(Stream&) {}

bool idle(Stream& stream) {
  const cudaError_t code = cudaStreamQuery(cudaStreamOf(stream));
  if (code == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  checkCuda(code, "state of a stream");
  return true;
}

double elapsedS(const Event& from, const Event& to) {
  if (!from.impl().timed || !to.impl().timed) {
    throw RunError("elapsed time of an event that is not timed; make it with event(true)");
  }
  float milliseconds = 0;
  checkCuda(cudaEventElapsedTime(&milliseconds, from.impl().event, to.impl().event), "elapsed time between events");
  return milliseconds * 1e-3;
}

void copyToDevice(Stream& stream, void* device, const void* host, std::size_t bytes) {
  checkCuda(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, cudaStreamOf(stream)), "copy to the device");
}

void copyToHost(Stream& stream, void* host, const void* device, std::size_t bytes) {
  checkCuda(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, cudaStreamOf(stream)), "copy to the host");
}

void copyOnDevice(Stream& stream, void* to, const void* from, std::size_t bytes) {
  checkCuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, cudaStreamOf(stream)), "copy on the device");
}

void fill(Stream& stream, void* device, unsigned char byte, std::size_t bytes) {
  checkCuda(cudaMemsetAsync(device, byte, bytes, cudaStreamOf(stream)), "fill");
}

void pushRange([[maybe_unused]] const char* name) {
#ifdef CHUNKFLOW_NVTX
  nvtxRangePushA(name);
#endif
}

void popRange() {
#ifdef CHUNKFLOW_NVTX
  nvtxRangePop();
#endif
}

}  // namespace chunkflow
