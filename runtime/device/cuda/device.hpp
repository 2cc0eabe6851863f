#pragma once
// Implementation types of the CUDA backend: a device, its streams and events, and the state of graph capture.
#include <cuda_runtime.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "device/cuda/clock_nvml.hpp"
#include "device/device.hpp"

namespace chunkflow {

/// State shared by all objects of a device (reference counted), so that they may be destroyed in any order.
struct CudaDevice {
  int index = 0;
  DeviceInfo info;
  std::unique_ptr<NvmlDevice> nvml;  // null where NVML is absent
  std::size_t usedBeforeBytes = 0;   // in use on the device before this process came
  std::size_t allocatedBytes = 0, peakBytes = 0;
  bool hostPointersServe = false;  // whether page-locked memory has the same address on the device
  std::vector<Stream::Impl*> streams;
  std::uint64_t capture = 0;       // number of the capture that is going on; 0: none
  std::uint64_t captures = 0;      // how many there have been
  cudaEvent_t launched = nullptr;  // behind the latest launch of a graph

  ~CudaDevice();
  void count(std::size_t bytes);
  void discount(std::size_t bytes) { allocatedBytes -= bytes; }
};

struct Device::Impl {
  std::shared_ptr<CudaDevice> device;
};

struct Stream::Impl {
  std::shared_ptr<CudaDevice> device;
  std::string name;
  cudaStream_t stream = nullptr;
  bool isOwn = true;  // destroyed with this
  ~Impl();
  /// Whether what is enqueued now is kept for a graph.
  bool isCapturing() const;
};

struct Event::Impl {
  std::shared_ptr<CudaDevice> device;
  bool timed = false;
  cudaEvent_t event = nullptr;
  // Timed events only: inside a capture a time is kept by a node of its own, which nothing can wait for; this is the
  // event that is waited for.
  cudaEvent_t order = nullptr;
  std::uint64_t capture = 0;  // the capture in which it was last recorded; 0: none
  ~Impl();
};

inline cudaStream_t cudaStreamOf(const Stream& stream) { return stream.impl().stream; }

/// Where a device sees page-locked host memory.
std::uint32_t* deviceAddress(const CudaDevice& device, const std::uint32_t* host);

/// Whether this build has code for the current device.
bool kernelsServe();

}  // namespace chunkflow
