#pragma once
// The few functions of the CUDA driver API that the runtime API does not offer. They are looked up by name while the
// program runs, so nothing links against libcuda and a program starts on a machine without a driver.
#include <cuda.h>

#include <string>

namespace chunkflow {

struct CudaDriver {
  decltype(&cuStreamWaitValue32) streamWaitValue32;
  decltype(&cuStreamWriteValue32) streamWriteValue32;
  decltype(&cuMemGetAllocationGranularity) memGetAllocationGranularity;
  decltype(&cuMemCreate) memCreate;
  decltype(&cuMemRelease) memRelease;
  decltype(&cuMemAddressReserve) memAddressReserve;
  decltype(&cuMemAddressFree) memAddressFree;
  decltype(&cuMemMap) memMap;
  decltype(&cuMemUnmap) memUnmap;
  decltype(&cuMemSetAccess) memSetAccess;
  decltype(&cuModuleLoadData) moduleLoadData;
  decltype(&cuModuleGetFunction) moduleGetFunction;
  decltype(&cuLaunchKernel) launchKernel;
  decltype(&cuDevicePrimaryCtxGetState) devicePrimaryCtxGetState;
  decltype(&cuGetErrorString) getErrorString;
};

/// Looked up at the first call. @throws RunError with the function's name when the driver does not have one of them.
const CudaDriver& cudaDriver();

/// @throws RunError "<what>: <the driver's words>".
void checkDriver(CUresult code, const std::string& what);

}  // namespace chunkflow
