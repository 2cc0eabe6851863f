// Compute on a GPU: the libraries and the memory that kernels share, and numbers in bf16 on the host.
#include "compute/cuda/compute.hpp"

#include <bit>

#include "device/cuda/checksum.hpp"
#include "device/cuda/errors.hpp"

namespace chunkflow {

float toFloat(bf16 value) { return std::bit_cast<float>(std::uint32_t{value.bits} << 16); }

bf16 toBf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  constexpr std::uint32_t INFINITE = 0x7f800000u;
  // Rounding could carry a NaN's bits over into infinity.
  if ((bits & 0x7fffffffu) > INFINITE) return {static_cast<std::uint16_t>((bits >> 16) | 0x40u)};
  return {static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

Compute::Compute(Device& device, Stream& stream, std::size_t workspaceBytes)
    : impl_(new Impl{stream, device.buffer(workspaceBytes), device.buffer(sizeof(std::uint64_t)), openGemmLibrary(),
                     openAttentionLibrary(cudaStreamOf(stream))}) {}

Compute::~Compute() = default;

Stream& Compute::stream() const { return impl_->stream; }

const char* Compute::libraries() {
  static const std::string versions = gemmLibraryVersion() + ", " + attentionLibraryVersion();
  return versions.c_str();
}

std::uint64_t digest(Compute& compute, std::int64_t rows, std::int64_t width, const bf16* data, std::int64_t stride) {
  auto* const sum = reinterpret_cast<std::uint64_t*>(compute.impl().digest->data());
  sumRows(compute.stream(), rows, width, data, stride, sum);
  std::uint64_t onHost = 0;
  checkCuda(cudaMemcpyAsync(&onHost, sum, sizeof onHost, cudaMemcpyDeviceToHost, cudaStreamOf(compute)), "digest");
  synchronize(compute.stream());
  return onHost;
}

}  // namespace chunkflow
