#pragma once
// The six CUDA streams of a rank, created once and used by all plans.
#include <array>
#include <memory>

#include "device/device.hpp"
#include "device/on.hpp"

namespace chunkflow {

class Streams {
 public:
  explicit Streams(Device& device) {
    static constexpr std::array<const char*, 6> NAMES{"compute", "collective", "copy", "stage-out", "stage-in", "host"};
    for (std::size_t i = 0; i < NAMES.size(); ++i) {
      // Pauses between chunks are kernels of one thread. Without priority one waits until a running kernel, which may take
      // tens of milliseconds, has placed all its blocks.
      all_[i] = device.stream(NAMES[i], static_cast<On>(i) == On::Copy ? Priority::Urgent : Priority::Usual);
    }
  }
  Stream& operator[](On on) const { return *all_[static_cast<std::size_t>(on)]; }
  const std::array<std::unique_ptr<Stream>, 6>& all() const { return all_; }
  /// Whether everything enqueued on any of them is done; never blocks.
  bool idle() const {
    for (const auto& stream : all_) {
      if (!chunkflow::idle(*stream)) return false;
    }
    return true;
  }

 private:
  std::array<std::unique_ptr<Stream>, 6> all_;
};

}  // namespace chunkflow
