#pragma once
// Clock and power while something runs, as means over samples.
#include <chrono>
#include <cmath>
#include <limits>

#include "device/device.hpp"

namespace chunkflow {

/// Looks at the driver's clock every few milliseconds while it is asked to.
class ClockSamples {
 public:
  /// @param settleS what is read earlier than so long from now is not counted.
  explicit ClockSamples(const Device& device, double settleS = 0)
      : device_(device),
        next_(std::chrono::steady_clock::now() +
              std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(settleS))) {}

  void look() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + EVERY;
    const DeviceClock clock = device_.clock();
    if (std::isnan(clock.smHz)) return;
    smHz_ += clock.smHz;
    powerW_ += clock.powerW;
    ++count_;
  }

  /// NaN where nothing is known.
  DeviceClock mean() const {
    constexpr double UNKNOWN = std::numeric_limits<double>::quiet_NaN();
    if (count_ == 0) return {UNKNOWN, UNKNOWN, UNKNOWN};
    return {smHz_ / count_, powerW_ / count_, device_.clock().temperatureC};
  }

 private:
  static constexpr std::chrono::milliseconds EVERY{5};
  const Device& device_;
  std::chrono::steady_clock::time_point next_;
  double smHz_ = 0, powerW_ = 0;
  int count_ = 0;
};

}  // namespace chunkflow
