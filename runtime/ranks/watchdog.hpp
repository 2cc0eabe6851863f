#pragma once
// Ends a run that would otherwise hang: a rank was killed, a collective failed, or a device makes no progress.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace chunkflow {

/// A monitoring thread per rank. On failure it releases every wait of the rank's device and stores the reason; the rank's own
/// thread sees it at its next check.
class Watchdog {
 public:
  struct Duties {
    /// Why the run must end; "" while all is well. Never blocks.
    std::function<std::string()> failure;
    /// Ends every wait of this rank's device and tells the other ranks.
    std::function<void(const std::string& why)> release;
    /// Ends the process, for a device that does not come back even so; empty where the process belongs to somebody
    /// else.
    std::function<void(const std::string& why)> giveUp;
  };

  /// @param progress a word in pinned memory that the device changes with every step.
  Watchdog(double timeLimitS, const std::uint32_t* progress, Duties duties);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// From here on the device works: progress must change within the time limit.
  void arm();
  void disarm();
  /// @throws RunError with the trouble, if there is any.
  void check() const;
  /// The rank has seen the trouble, and its thread is past everything that could hang.
  void settle();

 private:
  void loop();

  const double timeLimitS_;
  const std::uint32_t* progress_;
  const Duties duties_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false, armed_ = false, settled_ = false;
  std::uint64_t arming_ = 0;
  std::atomic<bool> troubled_{false};
  std::string trouble_;
  std::thread thread_;
};

}  // namespace chunkflow
