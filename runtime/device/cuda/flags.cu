// Flags and delays on a GPU. Eagerly a flag is a stream memory operation, which no kernel has to wait for; captured, its value is known only when the graph runs, so a kernel of one thread reads the step's base and writes or
// watches the flag.
#include <cmath>

#include "device/cuda/device.hpp"
#include "device/cuda/errors.hpp"
#include "device/cuda/stream_values.hpp"

namespace chunkflow {
namespace {

__device__ std::uint32_t loadAcquire(const std::uint32_t* address) {
  std::uint32_t value;
  asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(value) : "l"(address) : "memory");
  return value;
}

__device__ void storeRelease(std::uint32_t* address, std::uint32_t value) {
  asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(address), "r"(value) : "memory");
}

__device__ std::uint64_t nanoseconds() {
  std::uint64_t now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}

__global__ void signalKernel(std::uint32_t* flag, const std::uint32_t* base, std::uint32_t ordinal) {
  __threadfence_system();
  storeRelease(flag, *base + ordinal);
}

/// Polls without a time limit: aborting a run releases it by setting the flag far ahead.
__global__ void awaitKernel(const std::uint32_t* flag, const std::uint32_t* base, std::uint32_t ordinal) {
  const std::uint32_t target = *base + ordinal;
  while (static_cast<std::int32_t>(loadAcquire(flag) - target) < 0) __nanosleep(100);
  __threadfence_system();
}

__global__ void advanceKernel(std::uint32_t* base, std::uint32_t by) { *base += by; }

/// The timer has steps of 32 ns to 1 us, whatever the clock of the cores is.
__global__ void delayKernel(std::uint64_t duration) {
  const std::uint64_t start = nanoseconds();
  while (nanoseconds() - start < duration) __nanosleep(200);
}

}  // namespace

bool kernelsServe() {
  cudaFuncAttributes attributes;
  const cudaError_t code = cudaFuncGetAttributes(&attributes, advanceKernel);
  if (code == cudaErrorNoKernelImageForDevice || code == cudaErrorInvalidDeviceFunction) {
    cudaGetLastError();
    return false;
  }
  checkCuda(code, "loading kernels");
  return true;
}

void signal(Stream& stream, std::uint32_t* flag, const StepBase& base, std::uint32_t ordinal) {
  if (!stream.impl().isCapturing()) return writeStreamValue(stream, flag, base.onHost + ordinal);
  signalKernel<<<1, 1, 0, cudaStreamOf(stream)>>>(deviceAddress(*stream.impl().device, flag), base.onDevice, ordinal);
  checkLaunch("signal");
}

void await(Stream& stream, const std::uint32_t* flag, const StepBase& base, std::uint32_t ordinal) {
  if (!stream.impl().isCapturing()) return waitForStreamValue(stream, flag, base.onHost + ordinal);
  awaitKernel<<<1, 1, 0, cudaStreamOf(stream)>>>(deviceAddress(*stream.impl().device, flag), base.onDevice, ordinal);
  checkLaunch("await");
}

void advance(Stream& stream, const StepBase& base, std::uint32_t by) {
  advanceKernel<<<1, 1, 0, cudaStreamOf(stream)>>>(base.onDevice, by);
  checkLaunch("advance");
}

void delay(Stream& stream, double seconds) {
  if (!(seconds > 0)) return;
  delayKernel<<<1, 1, 0, cudaStreamOf(stream)>>>(static_cast<std::uint64_t>(std::llround(seconds * 1e9)));
  checkLaunch("delay");
}

}  // namespace chunkflow
