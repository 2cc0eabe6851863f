#pragma once
// The state behind the work of a block: one rank's library handles on its compute stream.
#include <cstddef>
#include <memory>

#include "compute/compute.hpp"
#include "device/device.hpp"

namespace chunkflow {

/// Library handles, workspaces and chosen algorithms of one rank's compute stream.
class Compute {
 public:
  struct Impl;
  /// @param workspaceBytes device memory for library workspaces, allocated here; a shape that needs more is an error.
  Compute(Device& device, Stream& stream, std::size_t workspaceBytes);
  ~Compute();
  Compute(const Compute&) = delete;
  Compute& operator=(const Compute&) = delete;
  Stream& stream() const;
  Impl& impl() const { return *impl_; }
  /// Versions of the libraries, such as "cuBLASLt 13.0.2, cuDNN 9.28.1".
  static const char* libraries();

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace chunkflow
