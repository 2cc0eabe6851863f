// The ways to run a plan's steps: eagerly, as a graph, verified, traced.
#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "measure/active_plan.hpp"

namespace chunkflow {

namespace {

/// Of a verified run: the second sees what the first has prefetched.
constexpr int VERIFIED_STEPS = 2;

double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Takes the clock once, when half of the steps are done.
class Halfway {
 public:
  Halfway(Session& session, std::uint32_t last, std::uint32_t steps) : session_(session), half_(last - steps / 2) {}
  void look() {
    if (taken_ || static_cast<std::int32_t>(__atomic_load_n(session_.progress(), __ATOMIC_ACQUIRE) - half_) < 0) return;
    taken_ = true;
    clock = session_.device->clock();
  }
  DeviceClock clock{};

 private:
  Session& session_;
  std::uint32_t half_;
  bool taken_ = false;
};

}  // namespace

int ActivePlan::graphSteps() const {
  const int period = std::max(1, plan.ringPeriod);
  // Staging is double-buffered: a graph needs an even number of exchanges, so that each launch starts at the same half.
  const bool odd = (shape().exchanges * static_cast<std::uint32_t>(period)) % 2 != 0;
  return odd ? 2 * period : period;
}

void ActivePlan::makeTimers(int count) {
  while (static_cast<int>(timers_.size()) < count) timers_.push_back(session_.device->event(true));
}

void ActivePlan::beginRun() {
  Rank::Impl& impl = rank_->impl();
  impl.base.onHost += impl.pieces;
  impl.pieces = 0;
  impl.begin();
  session_.watchdog.arm();
}

void ActivePlan::stepEnded() { setGate(session_.streams[On::Compute], session_.progress(), ++stepsEnqueued_); }

StepTimes ActivePlan::finish(int unrecorded, int recorded, std::vector<double> enqueueS, double stepsPerReading) {
  Halfway halfway(session_, stepsEnqueued_, static_cast<std::uint32_t>(recorded));
  session_.waitIdle([&] { halfway.look(); });
  session_.watchdog.disarm();
  halfway.look();
  StepTimes times;
  times.clock = halfway.clock;
  for (int i = 0; i < recorded; ++i) {
    const auto at = static_cast<std::size_t>(i);
    times.stepS.push_back(elapsedS(*timers_[at], *timers_[at + 1]) / stepsPerReading);
    times.enqueueS.push_back(enqueueS[static_cast<std::size_t>(unrecorded) + at] / stepsPerReading);
  }
  return times;
}

StepTimes ActivePlan::eager(int unrecorded, int recorded) {
  makeTimers(recorded + 1);
  // Barrier: ranks that share a device must not create objects on it while another rank's step runs.
  session_.meet();
  beginRun();
  Stream& compute = session_.streams[On::Compute];
  std::vector<double> enqueueS;
  for (int i = 0; i < unrecorded + recorded; ++i) {
    session_.watchdog.check();
    if (i == unrecorded) record(compute, *timers_[0]);
    const auto start = std::chrono::steady_clock::now();
    rank_->impl().enqueue(*rank_);
    enqueueS.push_back(secondsSince(start));
    if (i >= unrecorded) record(compute, *timers_[static_cast<std::size_t>(i - unrecorded) + 1]);
    stepEnded();
  }
  return finish(unrecorded, recorded, std::move(enqueueS), 1);
}

void ActivePlan::capture() {
  Rank::Impl& impl = rank_->impl();
  Stream& compute = session_.streams[On::Compute];
  const auto& streams = session_.streams.all();
  beginCapture(*session_.device, compute);
  record(compute, *forks_.back());
  for (const auto& stream : streams) {
    if (stream.get() != &compute) wait(*stream, *forks_.back());
  }
  for (int i = 0; i < graphSteps(); ++i) impl.enqueue(*rank_);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    if (streams[i].get() == &compute) continue;
    record(*streams[i], *forks_[i]);
    wait(compute, *forks_[i]);
  }
  graphPieces_ = impl.pieces;
  if (graphPieces_ > 0) advance(compute, impl.base, graphPieces_);
  graph_ = endCapture(*session_.device, compute);
  // Captured work has not run: the counters of flags, slots and staging halves are set back.
  impl.pieces = 0;
  impl.restart();
}

StepTimes ActivePlan::graph(int unrecorded, int recorded) {
  Rank::Impl& impl = rank_->impl();
  makeTimers(recorded + 1);
  beginRun();
  if (!graph_) capture();
  Stream& compute = session_.streams[On::Compute];
  fill(compute, impl.base.onDevice, 0, sizeof(std::uint32_t));
  advance(compute, impl.base, impl.base.onHost);
  session_.meet();
  session_.watchdog.arm();
  std::vector<double> enqueueS;
  for (int i = 0; i < unrecorded + recorded; ++i) {
    session_.watchdog.check();
    if (i == unrecorded) record(compute, *timers_[0]);
    const auto start = std::chrono::steady_clock::now();
    launch(compute, *graph_);
    enqueueS.push_back(secondsSince(start));
    if (i >= unrecorded) record(compute, *timers_[static_cast<std::size_t>(i - unrecorded) + 1]);
    stepEnded();
    impl.step += graphSteps();
    impl.base.onHost += graphPieces_;
  }
  return finish(unrecorded, recorded, std::move(enqueueS), graphSteps());
}

Verdict ActivePlan::verify() {
  Rank::Impl& impl = rank_->impl();
  Stream& compute = session_.streams[On::Compute];
  Verifier verifier(*session_.device, session_.program, plan, *memory_, VERIFIED_STEPS);
  session_.meet();
  beginRun();
  impl.verifier = &verifier;
  for (int i = 0; i < VERIFIED_STEPS; ++i) {
    impl.enqueue(*rank_);
    stepEnded();
  }
  impl.verifier = nullptr;
  verifier.collect(compute);
  session_.waitIdle();
  session_.watchdog.disarm();
  const Verdict verdict = verifier.judge(session_.arena);
  session_.group.barrier();
  return verdict;
}

std::vector<double> ActivePlan::trace(int unrecorded, int traced) {
  Rank::Impl& impl = rank_->impl();
  Stream& compute = session_.streams[On::Compute];
  tracers_.clear();
  for (int i = 0; i < traced; ++i) {
    tracers_.push_back(std::make_unique<Tracer>(*session_.device, shape().intervals));
  }
  session_.meet();
  beginRun();
  for (int i = 0; i < unrecorded + traced; ++i) {
    Tracer* tracer = i < unrecorded ? nullptr : tracers_[static_cast<std::size_t>(i - unrecorded)].get();
    session_.watchdog.check();
    if (tracer != nullptr) tracer->start(compute);
    impl.tracer = tracer;
    impl.enqueue(*rank_);
    impl.tracer = nullptr;
    if (tracer != nullptr) tracer->end(compute);
    stepEnded();
  }
  session_.waitIdle();
  session_.watchdog.disarm();
  std::vector<double> stepS;
  for (const auto& tracer : tracers_) stepS.push_back(tracer->stepS());
  return stepS;
}

}  // namespace chunkflow
