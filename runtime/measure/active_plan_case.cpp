// A case of a calibration program: its copies and collectives as a step's statements would ask for them.
#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "measure/active_plan.hpp"

namespace chunkflow {

namespace {

/// Chunks that are enqueued before the device may begin: enough for the host to stay ahead, fewer than a stream takes
/// before it makes its caller wait.
constexpr std::uint32_t HEAD_START = 300;
/// Timed points of a copy stream; more of them would take time themselves.
constexpr std::uint32_t POINTS = 200;

/// Timed events of one stream, in order.
class Points {
 public:
  Points(Device& device, std::vector<std::unique_ptr<Event>>& pool, std::size_t& used)
      : device_(device), pool_(pool), used_(used) {}

  void add(Stream& stream) {
    if (used_ == pool_.size()) pool_.push_back(device_.event(true));
    record(stream, *pool_[used_]);
    own_.push_back(used_++);
  }
  const Event& operator[](std::size_t index) const { return *pool_[own_[index]]; }
  const Event& last() const { return *pool_[own_.back()]; }
  std::size_t size() const { return own_.size(); }

 private:
  Device& device_;
  std::vector<std::unique_ptr<Event>>& pool_;
  std::size_t& used_;
  std::vector<std::size_t> own_;
};

/// A stride coprime to `places`, so that it visits every one before it repeats, each far from the one before.
std::uint64_t spreadingStride(std::uint64_t places) {
  constexpr double GOLDEN = 0.6180339887498949;
  auto stride = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(GOLDEN * static_cast<double>(places)));
  while (std::gcd(stride, places) != 1) ++stride;
  return stride;
}

/// Chunks of a block, spread over it: parts of pinned memory differ while several GPUs copy, and a few chunks in a row would
/// be measured in one of them.
class Chunks {
 public:
  Chunks(std::uint32_t count, std::uint64_t chunkBytes, std::uint64_t blockBytes)
      : count_(count), chunkBytes_(chunkBytes), perBlock_(count == 0 ? 1 : blockBytes / chunkBytes),
        placeStride_(spreadingStride(perBlock_)),
        stride_(std::max(1u, (count + POINTS - 1) / POINTS)) {}

  bool done() const { return next_ == count_; }
  std::uint32_t next() const { return next_; }
  std::uint64_t offset() const { return next_ * placeStride_ % perBlock_ * chunkBytes_; }
  /// Whether a timed point belongs behind this chunk; moves on to the next.
  bool advance() { return ++next_ % stride_ == 0 || done(); }
  /// Chunks before a timed point.
  std::uint32_t before(std::size_t point) const {
    return std::min(count_, static_cast<std::uint32_t>(point) * stride_);
  }

 private:
  std::uint32_t count_;
  std::uint64_t chunkBytes_, perBlock_, placeStride_;
  std::uint32_t stride_, next_ = 0;
};

/// Bytes that had been copied at a time, between two points in proportion.
double copiedBy(double atS, const std::vector<double>& pointS, const Chunks& chunks, std::uint64_t chunkBytes) {
  const auto after = std::lower_bound(pointS.begin(), pointS.end(), atS);
  const auto index = static_cast<std::size_t>(after - pointS.begin());
  if (index == 0) return 0;
  const auto bytes = [&](std::size_t point) {
    return static_cast<double>(chunks.before(point)) * static_cast<double>(chunkBytes);
  };
  if (after == pointS.end()) return bytes(pointS.size() - 1);
  const double share = (atS - pointS[index - 1]) / (pointS[index] - pointS[index - 1]);
  return bytes(index - 1) + share * (bytes(index) - bytes(index - 1));
}

}  // namespace

void ActivePlan::enqueueCall(const Collective& collective) {
  const Streams& streams = session_.streams;
  Stream& compute = streams[On::Compute];
  record(compute, *forks_[0]);
  if (transport_) {
    wait(streams[On::Collective], *forks_[0]);
    rank_->collective(collective);
    record(streams[On::Collective], *forks_[1]);
  } else {
    const int peers = session_.program.groupSize - 1;
    const auto pieces = static_cast<int>((collective.bytesPerPeer + collective.pieceBytes - 1) / collective.pieceBytes);
    const int writes = collective.kind == CollectiveKind::AllGather ? 1 : peers;
    wait(streams[On::StageOut], *forks_[0]);
    wait(streams[On::StageIn], *forks_[0]);
    rank_->stagedBegin(collective);
    rank_->stageOut(collective, {.first = 0, .count = pieces * writes});
    rank_->stageIn(On::StageIn, collective, {.first = 0, .count = pieces * peers});
    if (collective.kind == CollectiveKind::AllReduce) {
      record(streams[On::StageIn], *forks_[1]);
      wait(streams[On::Collective], *forks_[1]);
      rank_->reduce(collective);
      record(streams[On::Collective], *forks_[1]);
      wait(streams[On::StageOut], *forks_[1]);
      rank_->stageOut(collective, {.phase = 1, .first = 0, .count = pieces});
      rank_->stageIn(On::StageIn, collective, {.phase = 1, .first = 0, .count = pieces * peers});
    }
    rank_->stagedEnd(collective);
    record(streams[On::StageIn], *forks_[1]);
  }
  wait(compute, *forks_[1]);
}

CaseTimes ActivePlan::runCase(const CalibrationCase& wanted, std::byte* landing) {
  const Streams& streams = session_.streams;
  Stream& compute = streams[On::Compute];
  Stream& copy = streams[On::Copy];
  Stream& out = streams[On::StageOut];
  const bool loads = session_.groupRank() < wanted.loadingRanks;
  const std::uint64_t blockBytes = session_.program.blocks[0].bytes;
  Chunks down(loads ? wanted.down : 0, wanted.chunkBytes, blockBytes);
  Chunks up(loads ? wanted.up : 0, wanted.chunkBytes, blockBytes);

  std::size_t used = 0;
  Points calls(*session_.device, timers_, used), downs(*session_.device, timers_, used), ups(*session_.device, timers_, used);
  session_.meet();
  rank_->impl().mode = StepMode::Run;
  beginRun();

  // All streams wait on a gate until the host has enqueued enough, on every rank.
  awaitGate(compute, session_.gate(), 1);
  record(compute, *forks_.back());
  for (const On on : {On::Collective, On::Copy, On::StageOut, On::StageIn}) wait(streams[on], *forks_.back());
  const auto enqueueDown = [&](std::uint32_t until) {
    while (!down.done() && down.next() < until) {
      const std::uint64_t from = down.offset();
      rank_->prefetch({.target = {.position = 0, .stepsAhead = 0, .slot = 0},
                       .bytes = {.from = from, .to = from + wanted.chunkBytes},
                       .chunkBytes = wanted.chunkBytes,
                       .paceS = wanted.paceS});
      if (down.advance()) downs.add(copy);
    }
  };
  const auto enqueueUp = [&](std::uint32_t until) {
    while (!up.done() && up.next() < until) {
      const std::uint64_t from = up.offset();
      copyToHost(out, landing + from, memory_->streamed(0, 0) + from, wanted.chunkBytes);
      if (up.advance()) ups.add(out);
    }
  };
  downs.add(copy);
  ups.add(out);
  enqueueDown(HEAD_START);
  enqueueUp(HEAD_START);
  calls.add(compute);
  std::uint32_t call = 0;
  const auto enqueueCalls = [&](std::uint32_t until) {
    for (; call < std::min(until, wanted.calls); ++call) {
      enqueueCall(wanted.collective);
      calls.add(compute);
    }
  };
  enqueueCalls(1);
  session_.group.barrier();
  setGate(streams[On::Host], session_.gate(), 1);
  enqueueCalls(wanted.calls);
  enqueueDown(wanted.down);
  enqueueUp(wanted.up);
  stepEnded();
  session_.waitIdle();
  session_.watchdog.disarm();
  setGate(streams[On::Host], session_.gate(), 0);
  session_.meet();

  CaseTimes times;
  for (std::size_t i = 1; i < calls.size(); ++i) times.callS.push_back(elapsedS(calls[i - 1], calls[i]));
  if (down.next() > 0) times.downS = elapsedS(downs[0], downs.last());
  if (up.next() > 0) times.upS = elapsedS(ups[0], ups.last());
  if (wanted.calls > 0 && down.next() > 0) {
    std::vector<double> pointS;
    for (std::size_t i = 0; i < downs.size(); ++i) pointS.push_back(elapsedS(downs[0], downs[i]));
    // The calls begin a little after the copies or before them, by the order in which their streams were woken.
    const double fromS = std::max(0.0, elapsedS(downs[0], calls[0]));
    const double toS = elapsedS(downs[0], calls.last());
    times.windowS = toS - fromS;
    times.windowBytes = copiedBy(toS, pointS, down, wanted.chunkBytes) - copiedBy(fromS, pointS, down, wanted.chunkBytes);
    times.outlasted = pointS.back() >= toS;
  }
  return times;
}

}  // namespace chunkflow
