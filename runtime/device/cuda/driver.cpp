#include "device/cuda/driver.hpp"

#include "device/cuda/errors.hpp"

namespace chunkflow {
namespace {

// The version whose meaning of each function cuda.h declares; all of them are older than this.
constexpr unsigned DRIVER_INTERFACE = 12000;

template <typename Function>
void look(const char* name, Function& function) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult result = cudaDriverEntryPointSymbolNotFound;
#if CUDART_VERSION >= 12050
  const cudaError_t code = cudaGetDriverEntryPointByVersion(name, &found, DRIVER_INTERFACE, cudaEnableDefault, &result);
#else
  const cudaError_t code = cudaGetDriverEntryPoint(name, &found, cudaEnableDefault, &result);
#endif
  checkCuda(code, "driver function " + std::string(name));
  if (result != cudaDriverEntryPointSuccess || found == nullptr) {
    throw RunError("the CUDA driver has no " + std::string(name) + "; install a driver for CUDA 12.0 or later");
  }
  function = reinterpret_cast<Function>(found);
}

CudaDriver load() {
  CudaDriver driver;
  look("cuStreamWaitValue32", driver.streamWaitValue32);
  look("cuStreamWriteValue32", driver.streamWriteValue32);
  look("cuMemGetAllocationGranularity", driver.memGetAllocationGranularity);
  look("cuMemCreate", driver.memCreate);
  look("cuMemRelease", driver.memRelease);
  look("cuMemAddressReserve", driver.memAddressReserve);
  look("cuMemAddressFree", driver.memAddressFree);
  look("cuMemMap", driver.memMap);
  look("cuMemUnmap", driver.memUnmap);
  look("cuMemSetAccess", driver.memSetAccess);
  look("cuModuleLoadData", driver.moduleLoadData);
  look("cuModuleGetFunction", driver.moduleGetFunction);
  look("cuLaunchKernel", driver.launchKernel);
  look("cuDevicePrimaryCtxGetState", driver.devicePrimaryCtxGetState);
  look("cuGetErrorString", driver.getErrorString);
  return driver;
}

}  // namespace

const CudaDriver& cudaDriver() {
  static const CudaDriver driver = load();
  return driver;
}

void checkDriver(CUresult code, const std::string& what) {
  if (code == CUDA_SUCCESS) return;
  const char* words = nullptr;
  if (cudaDriver().getErrorString(code, &words) != CUDA_SUCCESS || words == nullptr) words = "unknown error";
  throw RunError(what + ": " + words + " (" + std::to_string(static_cast<int>(code)) + ")");
}

}  // namespace chunkflow
