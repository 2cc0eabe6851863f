#pragma once
// Host memory bound to the NUMA node of a device, first touched by threads of that node, and optionally page-locked.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "device/device.hpp"

namespace chunkflow {

/// Zeroed anonymous memory, bound to a memory node where the host has several. It takes no physical pages until
/// touched.
class HostMemory {
 public:
  /// @param numaNode -1 for anywhere. @throws RunError with the bytes.
  HostMemory(std::size_t bytes, int numaNode);
  /// What a file has, shared with all who map it; the descriptor may be closed afterwards. @throws RunError with the bytes.
  static HostMemory shared(std::size_t bytes, int descriptor);
  ~HostMemory();
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;
  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  HostMemory(std::byte* data, std::size_t bytes) : data_(data), bytes_(bytes) {}
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Host memory that is touched and page-locked for as long as it lives; for small things that a device reads or writes.
class PinnedMemory {
 public:
  PinnedMemory(Device& device, std::size_t bytes);
  std::byte* data() const { return memory_.data(); }
  std::size_t bytes() const { return memory_.bytes(); }

 private:
  HostMemory memory_;
  std::unique_ptr<PageLock> lock_;
};

/// Calls work(0) ... work(count - 1) on as many threads as the node (-1: the host) lends this process, divided by
/// `sharers` that do the same at the same time. The first exception is thrown again.
void inParallel(int numaNode, int sharers, std::size_t count, const std::function<void(std::size_t)>& work);

/// Bytes that this process could still get: what the host calls available, or less where its control group says so.
std::uint64_t availableHostBytes();

}  // namespace chunkflow
