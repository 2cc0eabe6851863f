// Flags, gates and delays on a GPU. Eagerly a flag is a stream memory operation, which no kernel has to wait for;
// captured, its value is known only when the graph runs, so a kernel of one thread reads the step's base and writes or
// watches the flag.
#include <cmath>

#include "device_cuda.hpp"
#include "driver_cuda.hpp"
#include "errors_cuda.hpp"

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

/// Has no time limit: whoever gives up sets the flag far ahead.
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

CUdeviceptr driverAddress(const Stream& stream, const std::uint32_t* host) {
  return reinterpret_cast<CUdeviceptr>(deviceAddress(*stream.impl().device, host));
}

void writeValue(Stream& stream, std::uint32_t* word, std::uint32_t value) {
  checkDriver(cudaDriver().streamWriteValue32(cudaStreamOf(stream), driverAddress(stream, word), value,
                                              CU_STREAM_WRITE_VALUE_DEFAULT),
              "stream memory operation (write)");
}

void waitValue(Stream& stream, const std::uint32_t* word, std::uint32_t value, unsigned condition) {
  checkDriver(cudaDriver().streamWaitValue32(cudaStreamOf(stream), driverAddress(stream, word), value, condition),
              "stream memory operation (wait)");
}

}  // namespace

std::uint32_t* deviceAddress(const CudaDevice& device, const std::uint32_t* host) {
  void* pointer = const_cast<std::uint32_t*>(host);
  if (!device.hostPointersServe) {
    checkCuda(cudaHostGetDevicePointer(&pointer, pointer, 0), "device address of page-locked memory");
  }
  return static_cast<std::uint32_t*>(pointer);
}

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
  if (!stream.impl().isCapturing()) return writeValue(stream, flag, base.onHost + ordinal);
  signalKernel<<<1, 1, 0, cudaStreamOf(stream)>>>(deviceAddress(*stream.impl().device, flag), base.onDevice, ordinal);
  checkLaunch("signal");
}

void await(Stream& stream, const std::uint32_t* flag, const StepBase& base, std::uint32_t ordinal) {
  if (!stream.impl().isCapturing()) return waitValue(stream, flag, base.onHost + ordinal, CU_STREAM_WAIT_VALUE_GEQ);
  awaitKernel<<<1, 1, 0, cudaStreamOf(stream)>>>(deviceAddress(*stream.impl().device, flag), base.onDevice, ordinal);
  checkLaunch("await");
}

void advance(Stream& stream, const StepBase& base, std::uint32_t by) {
  advanceKernel<<<1, 1, 0, cudaStreamOf(stream)>>>(base.onDevice, by);
  checkLaunch("advance");
}

void setGate(Stream& stream, std::uint32_t* gate, std::uint32_t value) { writeValue(stream, gate, value); }

void awaitGate(Stream& stream, const std::uint32_t* gate, std::uint32_t value) {
  waitValue(stream, gate, value, CU_STREAM_WAIT_VALUE_EQ);
}

void delay(Stream& stream, double seconds) {
  if (!(seconds > 0)) return;
  delayKernel<<<1, 1, 0, cudaStreamOf(stream)>>>(static_cast<std::uint64_t>(std::llround(seconds * 1e9)));
  checkLaunch("delay");
}

}  // namespace chunkflow
