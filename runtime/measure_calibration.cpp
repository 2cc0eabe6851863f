// What a machine file's numbers are fitted to: cases of a calibration program, and segments by themselves.
#include <algorithm>
#include <string_view>

#include "agree.hpp"
#include "measure.hpp"
#include "pinned_memory.hpp"

namespace chunkflow {

namespace {

constexpr double SEGMENT_S = 0.12;
/// With pauses the clock takes longer to settle.
constexpr double PAUSED_S = 0.3;
/// Segments shorter than this draw no power worth a pause.
constexpr double LONG_S = 200e-6;
/// Pauses, as multiples of the segment's own time.
constexpr double PAUSES[] = {0.5, 2};

}  // namespace

void Measurement::runCases() {
  const Program& program = session_.program;
  const PinnedMemory landing(*session_.device, program.blocks[0].bytes);
  std::vector<int> cases = session_.options.cases;
  // Memory and transports are made once for all cases that use them.
  std::stable_sort(cases.begin(), cases.end(), [&](int a, int b) {
    return program.cases[static_cast<std::size_t>(a)].plan < program.cases[static_cast<std::size_t>(b)].plan;
  });
  for (int round = 0; round < session_.options.rounds; ++round) {
    note("round " + std::to_string(round + 1) + " of " + std::to_string(session_.options.rounds));
    for (const int index : cases) {
      const CalibrationCase& wanted = program.cases[static_cast<std::size_t>(index)];
      activate(wanted.plan);
      if (round == 0) active_->runCase(wanted, landing.data());
      const auto times = fromAllCases(active_->runCase(wanted, landing.data()));
      if (records_ != nullptr) records_->write(caseLine(wanted, index, round, times));
    }
  }
}

std::vector<CaseTimes> Measurement::fromAllCases(const CaseTimes& own) {
  // Ranks agree on nothing but the numbers; vectors travel by themselves.
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
    const bool collects = active_->shape().largest != nullptr && std::string_view(planAt(plan).transport) != "staged-copy";
    for (const StepShape::Place& place : active_->shape().segments) {
      // Inputs as a step leaves them: what is run in place over and over must not be the next one's.
      active_->restart();
      active_->eager(0, 1);
      const auto take = [&](double gapS, Beside beside, double seconds) {
        const SegmentTimes times = active_->runSegment(place, gapS, beside, seconds);
        if (records_ != nullptr) records_->write(segmentLine(plan, place, gapS, beside, times));
        return times.runS;
      };
      const double aloneS = take(0, Beside::Nothing, SEGMENT_S);
      take(0, Beside::Copies, SEGMENT_S);
      if (collects) take(0, Beside::Collectives, SEGMENT_S);
      if (aloneS < LONG_S) continue;
      for (const double pause : PAUSES) take(pause * aloneS, Beside::Nothing, PAUSED_S);
    }
  }
}

}  // namespace chunkflow
