#pragma once
// Which of the two backends this library was built with, known without touching a device.
#include <string_view>

#include "compute.hpp"

namespace chunkflow {

/// "cuda" or "host". The host backend is the one whose libraries are its own kernels.
inline const char* backendName() {
  return std::string_view(Compute::libraries()).starts_with("host") ? "host" : "cuda";
}

}  // namespace chunkflow
