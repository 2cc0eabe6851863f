#include "device/cuda/stream_values.hpp"

#include "device/cuda/driver.hpp"
#include "device/cuda/errors.hpp"

namespace chunkflow {
namespace {

CUdeviceptr driverAddress(const Stream& stream, const std::uint32_t* host) {
  return reinterpret_cast<CUdeviceptr>(deviceAddress(*stream.impl().device, host));
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

void writeStreamValue(Stream& stream, std::uint32_t* word, std::uint32_t value) {
  checkDriver(cudaDriver().streamWriteValue32(cudaStreamOf(stream), driverAddress(stream, word), value,
                                              CU_STREAM_WRITE_VALUE_DEFAULT),
              "stream memory operation (write)");
}

void waitForStreamValue(Stream& stream, const std::uint32_t* word, std::uint32_t value) {
  waitValue(stream, word, value, CU_STREAM_WAIT_VALUE_GEQ);
}

void setGate(Stream& stream, std::uint32_t* gate, std::uint32_t value) { writeStreamValue(stream, gate, value); }

void awaitGate(Stream& stream, const std::uint32_t* gate, std::uint32_t value) {
  waitValue(stream, gate, value, CU_STREAM_WAIT_VALUE_EQ);
}

}  // namespace chunkflow
