#include "ranks/watchdog.hpp"

#include <chrono>
#include <cstdio>

#include "base/error.hpp"

namespace chunkflow {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto WATCH_EVERY = std::chrono::milliseconds(50);
/// How long a rank whose waits were ended may take to notice.
constexpr auto GRACE = std::chrono::seconds(10);

std::string secondsText(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", seconds);
  return text;
}

}  // namespace

Watchdog::Watchdog(double timeLimitS, const std::uint32_t* progress, Duties duties)
    : timeLimitS_(timeLimitS), progress_(progress), duties_(std::move(duties)), thread_([this] { loop(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Watchdog::arm() {
  const std::lock_guard lock(mutex_);
  armed_ = true;
  ++arming_;
}

void Watchdog::disarm() {
  const std::lock_guard lock(mutex_);
  armed_ = false;
}

void Watchdog::check() const {
  if (!troubled_) return;
  const std::lock_guard lock(mutex_);
  throw RunError(trouble_);
}

void Watchdog::settle() {
  {
    const std::lock_guard lock(mutex_);
    settled_ = true;
  }
  wake_.notify_all();
}

void Watchdog::loop() {
  std::uint64_t seenArming = 0;
  std::uint32_t seenProgress = 0;
  Clock::time_point since = Clock::now();
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, WATCH_EVERY, [this] { return ending_; })) {
    const std::uint32_t progress = __atomic_load_n(progress_, __ATOMIC_ACQUIRE);
    if (!armed_ || arming_ != seenArming || progress != seenProgress) since = Clock::now();
    seenArming = arming_;
    seenProgress = progress;
    const bool late = std::chrono::duration<double>(Clock::now() - since).count() > timeLimitS_;
    lock.unlock();
    std::string why = duties_.failure();
    if (why.empty() && late) {
      why = "no step ended within " + secondsText(timeLimitS_) + " s; if that is not a hang, raise --time-limit";
    }
    if (!why.empty()) duties_.release(why);
    lock.lock();
    if (why.empty()) continue;
    trouble_ = why;
    troubled_ = true;
    const auto over = [this] { return ending_ || settled_; };
    if (!wake_.wait_for(lock, GRACE, over) && duties_.giveUp) {
      lock.unlock();
      duties_.giveUp(why);
      lock.lock();
    }
    return;
  }
}

}  // namespace chunkflow
