#pragma once
// Library handles and buffers shared by the CUDA backend's compute sources.
#include <memory>

#include "compute/libraries.hpp"
#include "device/cuda/device.hpp"

namespace chunkflow {

/// cuBLASLt's handle and the algorithms chosen so far.
class GemmLibrary;
std::shared_ptr<GemmLibrary> openGemmLibrary();
/// Such as "cuBLASLt 13.0.2".
std::string gemmLibraryVersion();

/// cuDNN's handle and the graphs built so far.
class AttentionLibrary;
std::shared_ptr<AttentionLibrary> openAttentionLibrary(cudaStream_t stream);
std::string attentionLibraryVersion();

struct Compute::Impl {
  Stream& stream;
  std::unique_ptr<DeviceBuffer> workspace;
  std::unique_ptr<DeviceBuffer> digest;  // one sum
  std::shared_ptr<GemmLibrary> gemms;
  std::shared_ptr<AttentionLibrary> attentions;
};

inline cudaStream_t cudaStreamOf(const Compute& compute) { return cudaStreamOf(compute.stream()); }

}  // namespace chunkflow
