// The kernel that an attached library needs, as PTX that the driver compiles for the device, so that it is built without nvcc;
// and flags, which are stream memory operations, as nothing of it is captured.
#include <map>
#include <mutex>

#include "device/cuda/device.hpp"
#include "device/cuda/driver.hpp"
#include "device/cuda/errors.hpp"
#include "device/cuda/stream_values.hpp"

namespace chunkflow {
namespace {

/// One thread watches the timer, which has steps of 32 ns to 1 us whatever the clock of the cores is.
constexpr char DELAY_PTX[] = R"(
.version 7.0
.target sm_70
.address_size 64
.visible .entry chunkflow_delay(.param .u64 nanoseconds)
{
  .reg .u64 %limit, %start, %now, %gone;
  .reg .pred %again;
  ld.param.u64 %limit, [nanoseconds];
  mov.u64 %start, %globaltimer;
WAIT:
  nanosleep.u32 200;
  mov.u64 %now, %globaltimer;
  sub.u64 %gone, %now, %start;
  setp.lt.u64 %again, %gone, %limit;
  @%again bra WAIT;
  ret;
}
)";

/// Of the calling thread's device; compiled at the first call for it.
CUfunction delayKernel() {
  static std::mutex mutex;
  static std::map<int, CUfunction> functions;
  int device = 0;
  checkCuda(cudaGetDevice(&device), "device of a thread");
  const std::lock_guard lock(mutex);
  const auto [entry, isNew] = functions.try_emplace(device, nullptr);
  if (isNew) {
    try {
      CUmodule module = nullptr;  // for as long as the process
      checkDriver(cudaDriver().moduleLoadData(&module, DELAY_PTX), "compiling the kernel of pauses");
      checkDriver(cudaDriver().moduleGetFunction(&entry->second, module, "chunkflow_delay"), "the kernel of pauses");
    } catch (...) {
      functions.erase(entry);
      throw;
    }
  }
  return entry->second;
}

}  // namespace

/// Nothing is built for one architecture: the driver compiles the kernel where a plan has pauses.
bool kernelsServe() { return true; }

void signal(Stream& stream, std::uint32_t* flag, const StepBase& base, std::uint32_t ordinal) {
  writeStreamValue(stream, flag, base.onHost + ordinal);
}

void await(Stream& stream, const std::uint32_t* flag, const StepBase& base, std::uint32_t ordinal) {
  waitForStreamValue(stream, flag, base.onHost + ordinal);
}

void delay(Stream& stream, double seconds) {
  if (!(seconds > 0)) return;
  auto nanoseconds = static_cast<std::uint64_t>(seconds * 1e9 + 0.5);
  void* arguments[] = {&nanoseconds};
  checkDriver(cudaDriver().launchKernel(delayKernel(), 1, 1, 1, 1, 1, 1, 0, cudaStreamOf(stream), arguments, nullptr),
              "launch of a pause");
}

}  // namespace chunkflow
