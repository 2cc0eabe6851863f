// Segments of a block one by one, alone and beside copies or collectives.
#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/summary.hpp"
#include "measure/active_plan.hpp"
#include "measure/clock_samples.hpp"
#include "ranks/agree.hpp"

namespace chunkflow {

namespace {

constexpr int LEAST_RUNS = 10, MOST_RUNS = 20000;
/// Runs that are timed one by one where there are pauses between them.
constexpr int TIMED_RUNS = 40;
/// What runs beside a segment must outlast it.
constexpr double OUTLAST = 2;
/// The fastest that copies and messages are likely to be: of a GPU's link, and of a CPU core.
constexpr double LIKELY_BYTES_PER_S = 60e9, LIKELY_ON_HOST_BYTES_PER_S = 20e9;
constexpr double SLOW_BYTES_PER_S = 10e9;
/// Bounds the copies that wait in a stream: a full one makes its caller wait, and the segments would start late.
constexpr int MOST_BESIDE = 800;

double likelyBytesPerS() {
  return std::string_view(backendName()) == "host" ? LIKELY_ON_HOST_BYTES_PER_S : LIKELY_BYTES_PER_S;
}

}  // namespace

Block ActivePlan::blockAt(const StepShape::Place& place) {
  const int slot = rank_->impl().slotNow(place.position);
  return {session_.compute, memory_->weights(place.position % session_.program.blocksPerPass, slot), memory_->activations(),
          memory_->inputs(), session_.groupRank()};
}

SegmentTimes ActivePlan::runSegment(const StepShape::Place& place, const SegmentRun& wanted) {
  const auto& [gapS, beside, seconds] = wanted;
  const Streams& streams = session_.streams;
  Stream& compute = streams[On::Compute];
  const Block block = blockAt(place);
  makeTimers(2 * TIMED_RUNS + 2);
  if (!scratch_) scratch_ = session_.device->buffer(Bounce::HALF_BYTES);

  // A first rough timing decides the number of repetitions.
  session_.meet();
  beginRun();
  place.segment->run(block);
  record(compute, *timers_[0]);
  for (int i = 0; i < LEAST_RUNS; ++i) place.segment->run(block);
  record(compute, *timers_[1]);
  stepEnded();
  session_.waitIdle();
  session_.watchdog.disarm();
  // Ranks must run it equally often, or collectives beside it would wait for one that never comes.
  const double roughS = std::max(1e-6, largestOf(session_.group, elapsedS(*timers_[0], *timers_[1]) / LEAST_RUNS));
  const int runs = std::clamp(static_cast<int>(seconds / (roughS + gapS)), LEAST_RUNS, MOST_RUNS);

  beginRun();
  const double besideS = OUTLAST * runs * roughS;
  if (beside == Beside::Copies) {
    const double copies = std::ceil(besideS * likelyBytesPerS() / static_cast<double>(Bounce::HALF_BYTES));
    for (int i = 0; i < std::min(MOST_BESIDE, static_cast<int>(copies)); ++i) {
      copyToDevice(streams[On::Copy], scratch_->data(), session_.bounce.half(0), Bounce::HALF_BYTES);
    }
  } else if (beside == Beside::Collectives) {
    const Collective& call = *shape().largest;
    const double callS = static_cast<double>(call.bytesPerPeer) / likelyBytesPerS();
    const int calls = std::min(MOST_BESIDE, static_cast<int>(std::ceil(besideS / callS)));
    for (int i = 0; i < calls; ++i) rank_->collective(call);
  }
  // The GPU's clock settles during the first half, which is not counted.
  ClockSamples clock(*session_.device, runs * (roughS + gapS) / 2);
  const int half = runs / 2;
  std::vector<double> runS;
  if (gapS > 0) {
    const int timed = std::min(TIMED_RUNS, half);
    for (int i = 0; i < runs; ++i) {
      const int index = i - (runs - timed);
      if (index >= 0) record(compute, *timers_[static_cast<std::size_t>(2 * index)]);
      place.segment->run(block);
      if (index >= 0) record(compute, *timers_[static_cast<std::size_t>(2 * index + 1)]);
      delay(compute, gapS);
    }
    stepEnded();
    session_.waitIdle([&] { clock.look(); });
    for (int i = 0; i < timed; ++i) {
      runS.push_back(elapsedS(*timers_[static_cast<std::size_t>(2 * i)], *timers_[static_cast<std::size_t>(2 * i + 1)]));
    }
  } else {
    // Back to back, timed in several parts, so that a disturbance shows as an outlier.
    const int part = std::max(1, half / TIMED_RUNS);
    const int parts = half / part;
    for (int i = 0; i < runs - parts * part; ++i) place.segment->run(block);
    record(compute, *timers_[0]);
    for (int i = 0; i < parts; ++i) {
      for (int k = 0; k < part; ++k) place.segment->run(block);
      record(compute, *timers_[static_cast<std::size_t>(i) + 1]);
    }
    stepEnded();
    session_.waitIdle([&] { clock.look(); });
    for (int i = 0; i < parts; ++i) {
      runS.push_back(elapsedS(*timers_[static_cast<std::size_t>(i)], *timers_[static_cast<std::size_t>(i) + 1]) / part);
    }
  }
  session_.watchdog.disarm();
  return {chunkflow::summarise(runS).median, runs, clock.mean()};
}

PacedTimes ActivePlan::paceBeside(const StepShape::Place& place, double runS, const PacedCopies& wanted) {
  const Streams& streams = session_.streams;
  Stream& compute = streams[On::Compute];
  Stream& copy = streams[On::Copy];
  const Block block = blockAt(place);
  makeTimers(3);
  if (!scratch_) scratch_ = session_.device->buffer(Bounce::HALF_BYTES);
  // A pause may wait for the rest of a run.
  const double longestS = wanted.chunks * (wanted.paceS + runS + static_cast<double>(wanted.chunkBytes) / SLOW_BYTES_PER_S);
  const int runs = std::max(LEAST_RUNS, static_cast<int>(std::ceil(longestS / runS)));

  session_.meet();
  beginRun();
  // The copies start once the segment's kernels keep the device busy.
  place.segment->run(block);
  record(compute, *timers_[0]);
  wait(copy, *timers_[0]);
  record(copy, *timers_[1]);
  for (int i = 0; i < wanted.chunks; ++i) {
    copyToDevice(copy, scratch_->data(), session_.bounce.half(0), static_cast<std::size_t>(wanted.chunkBytes));
    delay(copy, wanted.paceS);
  }
  record(copy, *timers_[2]);
  for (int i = 0; i < runs; ++i) place.segment->run(block);
  record(compute, *timers_[0]);
  stepEnded();
  session_.waitIdle();
  session_.watchdog.disarm();
  return {elapsedS(*timers_[1], *timers_[2]) / wanted.chunks, elapsedS(*timers_[2], *timers_[0]) >= 0};
}

}  // namespace chunkflow
