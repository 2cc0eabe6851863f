#pragma once
// Return codes of CUDA as exceptions.
#include <cuda_runtime.h>

#include <string>

#include "base/error.hpp"

namespace chunkflow {

/// @throws RunError "<what>: <CUDA's words>", with `what` naming the thing that was asked for.
inline void checkCuda(cudaError_t code, const std::string& what) {
  if (code == cudaSuccess) return;
  // Clears it, so that a later launch does not report this one's failure.
  cudaGetLastError();
  throw RunError(what + ": " + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) + ")");
}

/// The same for calls made often: the text is only built when there is something to say.
inline void checkCuda(cudaError_t code, const char* what) {
  if (code != cudaSuccess) checkCuda(code, std::string(what));
}

/// Behind a kernel launch.
inline void checkLaunch(const char* kernel) {
  const cudaError_t code = cudaGetLastError();
  if (code != cudaSuccess) checkCuda(code, "launch of kernel " + std::string(kernel));
}

}  // namespace chunkflow
