#pragma once
// What the driver's management library (NVML) says of a device: clock, power, temperature, memory in use by everybody.
// It is loaded while the program runs; without it everything is unknown.
#include <cstddef>
#include <memory>
#include <string>

#include "device/device.hpp"

namespace chunkflow {

class NvmlDevice {
 public:
  /// The device at this PCI bus id, as CUDA prints it; null where NVML or the device in it cannot be had. Never throws.
  static std::unique_ptr<NvmlDevice> find(const std::string& pciBus);
  /// Any thread. NaN for what is unknown.
  DeviceClock clock() const;
  /// Bytes in use by all processes, without what the driver keeps for itself; 0 where unknown.
  std::size_t usedBytes() const;
  /// Such as "580.159.04"; "" where unknown.
  std::string driverVersion() const;
  /// Such as "96.00.A5.00.01"; "" where unknown.
  std::string vbiosVersion() const;
  PcieLink link() const;

 private:
  explicit NvmlDevice(void* handle) : handle_(handle) {}
  void* handle_;
};

}  // namespace chunkflow
