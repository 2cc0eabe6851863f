#include "program/rank.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.hpp"
#include "plan/rank_impl.hpp"
#include "program/carrier_text.hpp"

namespace chunkflow {

namespace {

constexpr std::int64_t NEVER = -1;

std::size_t chunksOf(std::uint64_t bytes, std::uint64_t chunkBytes) {
  return static_cast<std::size_t>((bytes + chunkBytes - 1) / chunkBytes);
}

std::string pointName(int position, int point) {
  return "point " + std::to_string(point) + " of position " + std::to_string(position);
}

}  // namespace

StepShape shapeOf(const Program& program, const PlanProgram& plan, int groupRank) {
  Rank::Impl impl{.program = program, .plan = plan, .groupRank = groupRank};
  impl.shape.runs.assign(static_cast<std::size_t>(program.positions), 0);
  Rank rank(impl);
  impl.enqueue(rank);
  return std::move(impl.shape);
}

std::size_t Rank::Impl::pointIndex(int ofPosition, int point) const {
  if (ofPosition < 0 || ofPosition >= program.positions || point < 0 || point >= plan.points) {
    throw RunError(std::string("plan ") + plan.name + " has no " + pointName(ofPosition, point));
  }
  return static_cast<std::size_t>(ofPosition) * static_cast<std::size_t>(plan.points) + static_cast<std::size_t>(point);
}

int Rank::Impl::slotNow(int ofPosition) const {
  const int slot = plan.slotOf[static_cast<std::size_t>(ofPosition)];
  return slot < 0 ? -1 : physicalSlot(plan, slot, step);
}

void Rank::Impl::makeEvents(Device& device) {
  const std::size_t count = static_cast<std::size_t>(program.positions) * static_cast<std::size_t>(plan.points);
  for (int parity = 0; parity < 2; ++parity) {
    events[parity].resize(count);
    for (auto& event : events[parity]) event = device.event(false);
    markedIn[parity].assign(count, NEVER);
  }
  for (int at = 0; at < program.positions; ++at) {
    std::string name = "block " + std::to_string(at % program.blocksPerPass);
    if (program.positions > program.blocksPerPass) name += " pass " + std::to_string(at / program.blocksPerPass);
    blockNames.push_back(std::move(name));
  }
}

void Rank::Impl::restart() {
  step = firstStep = 0;
  exchange = 0;
  for (auto& marks : markedIn) std::fill(marks.begin(), marks.end(), NEVER);
}

void Rank::Impl::enqueue(Rank& rank) {
  position = runInBlock = statement = 0;
  plan.step(rank);
  if (rangeOpen) popRange();
  rangeOpen = false;
  if (mode == StepMode::Run) ++step;
}

void Rank::mark(On stream, int point) {
  Impl& r = impl_;
  if (r.mode != StepMode::Run) return;
  const std::size_t index = r.pointIndex(r.position, point);
  const auto parity = static_cast<std::size_t>(r.step & 1);
  record(r.stream(stream), *r.events[parity][index]);
  r.markedIn[parity][index] = r.step;
}

void Rank::after(On stream, int point) { after(stream, point, {.position = impl_.position}); }

void Rank::after(On stream, int point, const PointOf& of) {
  Impl& r = impl_;
  if (r.mode != StepMode::Run) return;
  const std::int64_t step = r.step - of.stepsAgo;
  // Steps before the current batch have completed.
  if (step < r.firstStep) return;
  const std::size_t index = r.pointIndex(of.position, point);
  const auto parity = static_cast<std::size_t>(step & 1);
  if (r.markedIn[parity][index] != step) {
    throw RunError(std::string("plan ") + r.plan.name + ": position " + std::to_string(r.position) + " waits for " +
                   pointName(of.position, point) + ", which is not marked before; generate the program again");
  }
  wait(r.stream(stream), *r.events[parity][index]);
}

void Rank::block(int position) {
  Impl& r = impl_;
  r.position = position;
  r.runInBlock = r.statement = 0;
  if (r.mode != StepMode::Run) return;
  if (r.rangeOpen) popRange();
  pushRange(r.blockNames[static_cast<std::size_t>(position)].c_str());
  r.rangeOpen = true;
}

void Rank::run(const Segment& segment) {
  Impl& r = impl_;
  const int statement = r.statement++;
  const auto place = static_cast<std::size_t>(r.position);
  const int index = r.runInBlock++;
  if (r.mode == StepMode::Count) {
    ++r.shape.runs[place];
    ++r.shape.intervals;
    const auto same = [&](const StepShape::Place& other) { return other.segment == &segment; };
    if (std::none_of(r.shape.segments.begin(), r.shape.segments.end(), same)) {
      r.shape.segments.push_back({&segment, r.position, statement});
    }
    return;
  }
  const int slot = r.slotNow(r.position);
  Stream& compute = r.stream(On::Compute);
  if (r.verifier != nullptr && index == 0) r.verifier->beforeFirstRead(compute, r.position, slot);
  r.interval(On::Compute, statement, 0, [&] {
    if (r.synthetic) {
      if (segment.durationS > 0) delay(compute, segment.durationS);
    } else {
      segment.run({*r.compute, r.memory->weights(r.position % r.program.blocksPerPass, slot), r.memory->activations(),
                   r.memory->inputs(), r.groupRank});
    }
  });
  if (r.verifier != nullptr && index + 1 == r.shape.runs[place]) r.verifier->afterLastRead(compute, r.position, slot);
}

void Rank::collective(const Collective& collective) {
  Impl& r = impl_;
  const int statement = r.statement++;
  if (r.mode == StepMode::Count) {
    ++r.shape.intervals;
    const Collective*& largest = r.shape.largest;
    if (largest == nullptr || largest->bytesPerPeer < collective.bytesPerPeer) largest = &collective;
  }
  if (r.mode != StepMode::Run) return;
  if (r.transport == nullptr) {
    throw RunError(std::string("plan ") + r.plan.name + " runs collective " + collective.name + " over transport " +
                   carrierText(r.plan.carrier) + ", which has none of its own; generate the program again");
  }
  std::byte* activations = r.memory->activations();
  r.interval(On::Collective, statement, 0, [&] {
    r.transport->run(r.stream(On::Collective), {.kind = collective.kind,
                                                .send = activations + collective.send,
                                                .recv = activations + collective.recv,
                                                .bytesPerPeer = collective.bytesPerPeer});
  });
}

void Rank::prefetch(const Prefetch& prefetch) {
  Impl& r = impl_;
  const int statement = r.statement++;
  const ByteRange bytes = prefetch.bytes;
  const std::uint64_t chunkBytes = prefetch.chunkBytes;
  if (r.mode == StepMode::Count) r.shape.intervals += chunksOf(bytes.to - bytes.from, chunkBytes);
  if (r.mode != StepMode::Run) return;
  const Target target = prefetch.target;
  const int block = target.position % r.program.blocksPerPass;
  std::byte* device = r.memory->weights(block, physicalSlot(r.plan, target.slot, r.step + target.stepsAhead));
  Stream& copy = r.stream(On::Copy);
  int part = 0;
  for (std::uint64_t at = bytes.from; at < bytes.to; at += chunkBytes, ++part) {
    if (prefetch.gated) awaitGate(copy, r.gate, 0);
    r.interval(On::Copy, statement, part, [&] {
      copyToDevice(copy, device + at, r.arena->at(block, at),
                   static_cast<std::size_t>(std::min(chunkBytes, bytes.to - at)));
    });
    if (prefetch.paceS > 0) delay(copy, prefetch.paceS);
  }
}

void Rank::prefetchPageable(const Target& target, const ByteRange& bytes) {
  Impl& r = impl_;
  // ActivePlan has unlocked the arena's pages.
  if (r.mode == StepMode::Count) r.shape.pageable = true;
  // cudaMemcpyAsync from pageable memory blocks until the stream has drained, with a driver lock held: another rank of this
  // process could then not enqueue what this stream waits for. So the stream is polled until it is idle first.
  while (r.mode == StepMode::Run && !idle(r.stream(On::Copy))) std::this_thread::sleep_for(std::chrono::microseconds(20));
  prefetch({.target = target, .bytes = bytes, .chunkBytes = bytes.to - bytes.from});
}

void Rank::launchWindow(const LaunchWindow& window) {
  Impl& r = impl_;
  const int statement = r.statement++;
  if (r.mode == StepMode::Count) ++r.shape.intervals;
  if (r.mode != StepMode::Run) return;
  Stream& host = r.stream(On::Host);
  r.interval(On::Host, statement, 0, [&] {
    setGate(host, r.gate, 1);
    delay(host, window.durationS);
    setGate(host, r.gate, 0);
  });
}

}  // namespace chunkflow
