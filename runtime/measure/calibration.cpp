// Micro-benchmarks that a machine file's numbers are fitted to: cases of a calibration program, and single segments.
#include <algorithm>
#include <string_view>

#include "device/pinned_memory.hpp"
#include "measure/measure.hpp"
#include "ranks/agree.hpp"

namespace chunkflow {

namespace {

/// Time for which a segment is repeated, so that a GPU's clock settles.
constexpr double SEGMENT_S = 0.12;
/// With pauses the clock takes longer to settle.
constexpr double PAUSED_S = 0.3;
/// Share of these times on the host backend, whose times are not calibrated from: no clock has to settle there.
constexpr double SHARE_ON_HOST = 0.1;
/// Segments shorter than this draw no power worth a pause.
constexpr double LONG_S = 200e-6;
/// Pauses, as multiples of the segment's own time.
constexpr double PAUSES[] = {0.5, 2};
/// Segments that are run for longer, so that clock and power settle.
constexpr std::size_t SUSTAINED = 3;
/// The driver's power is a mean over about a second.
constexpr double SUSTAINED_S = 2.4;
constexpr double SUSTAINED_PAUSES[] = {0, 0.1, 0.25, 0.5, 1};
/// Pauses between copies beside a segment; short and long against the kernels that they wait for.
constexpr PacedCopies PACED[] = {{4 << 20, 100, 50e-6}, {4 << 20, 100, 500e-6}};

}  // namespace

void Measurement::runCases() {
  const Program& program = session_.program;
  const PinnedMemory landing(*session_.device, program.blocks[0].bytes);
  std::vector<int> cases = session_.options.cases;
  // Memory and transports are made once for all cases that use them.
  std::stable_sort(cases.begin(), cases.end(), [&](int a, int b) {
    return program.cases[static_cast<std::size_t>(a)].plan < program.cases[static_cast<std::size_t>(b)].plan;
  });
  const auto planOf = [&](std::size_t at) { return program.cases[static_cast<std::size_t>(cases[at])].plan; };
  for (int round = 0; round < session_.options.rounds; ++round) {
    note("round " + std::to_string(round + 1) + " of " + std::to_string(session_.options.rounds));
    for (std::size_t at = 0; at < cases.size(); ++at) {
      const int index = cases[at];
      const CalibrationCase& wanted = program.cases[static_cast<std::size_t>(index)];
      activate(wanted.plan);
      if (round == 0) active_->runCase(wanted, landing.data());
      const auto times = fromAllCases(active_->runCase(wanted, landing.data()));
      if (records_ != nullptr) records_->write(caseLine(wanted, index, round, times));
      // NCCL takes buffers at the first collective of a kind: behind a transport's last case it has them all.
      if (round == 0 && (at + 1 == cases.size() || planOf(at + 1) != wanted.plan)) writeMemory();
    }
  }
}

std::vector<CaseTimes> Measurement::fromAllCases(const CaseTimes& own) {
  // Scalars are exchanged as one struct, vectors one by one.
  struct Flat {
    double downS, upS, windowS, windowBytes;
    bool outlasted;
  };
  const auto flat = fromAll(session_.group, std::vector<Flat>{{own.downS, own.upS, own.windowS, own.windowBytes,
                                                               own.outlasted}});
  const auto calls = fromAll(session_.group, own.callS);
  std::vector<CaseTimes> all;
  for (std::size_t rank = 0; rank < flat.size(); ++rank) {
    const Flat& f = flat[rank].at(0);
    all.push_back({calls[rank], f.downS, f.upS, f.windowS, f.windowBytes, f.outlasted});
  }
  return all;
}

void Measurement::surveySegments() {
  for (const int plan : session_.options.plans) {
    check(plan);
    note("segments of plan " + std::to_string(plan) + " (" + planAt(plan).name + ")");
    const bool collects = active_->shape().largest != nullptr && planAt(plan).carrier.by != Carrier::By::CopyEngines;
    const double share = std::string_view(backendName()) == "host" ? SHARE_ON_HOST : 1;
    std::vector<std::pair<double, const StepShape::Place*>> byTime;
    for (const StepShape::Place& place : active_->shape().segments) {
      const double aloneS = takeSegment(plan, place, {0, Beside::Nothing, share * SEGMENT_S});
      takeSegment(plan, place, {0, Beside::Copies, share * SEGMENT_S});
      if (collects) takeSegment(plan, place, {0, Beside::Collectives, share * SEGMENT_S});
      byTime.emplace_back(aloneS, &place);
      if (aloneS < LONG_S) continue;
      for (const double pause : PAUSES) takeSegment(plan, place, {pause * aloneS, Beside::Nothing, share * PAUSED_S});
    }
    std::stable_sort(byTime.begin(), byTime.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    byTime.resize(std::min(byTime.size(), SUSTAINED));
    if (session_.options.sustained) sustain(plan, byTime);
  }
}

double Measurement::takeSegment(int plan, const StepShape::Place& place, const SegmentRun& wanted) {
  // Inputs as a step leaves them: what is run in place over and over must not be the next one's.
  active_->restart();
  active_->eager(0, 1);
  const SegmentTimes times = active_->runSegment(place, wanted);
  if (records_ != nullptr) records_->write(segmentLine(plan, place, wanted, times));
  return largestOf(session_.group, times.runS);
}

void Measurement::sustain(int plan, const std::vector<std::pair<double, const StepShape::Place*>>& segments) {
  note("segments that are sustained, and copies with pauses beside them");
  for (const auto& [aloneS, place] : segments) {
    for (const double pause : SUSTAINED_PAUSES) takeSegment(plan, *place, {pause * aloneS, Beside::Nothing, SUSTAINED_S});
    for (const PacedCopies& wanted : PACED) {
      active_->restart();
      active_->eager(0, 1);
      const PacedTimes times = active_->paceBeside(*place, aloneS, wanted);
      if (records_ != nullptr) records_->write(pacedLine(plan, *place, wanted, times));
    }
  }
}

}  // namespace chunkflow
