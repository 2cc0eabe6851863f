#include "measure/measure.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>
#include <string_view>

#include "ranks/agree.hpp"

namespace chunkflow {

namespace {

constexpr double WINDOW_S = 0.5;        // of the warm-up
constexpr double WINDOWS_AGREE = 0.01;  // two windows in a row, relative
/// Unrecorded steps of a visit: the clock settles behind the pause for the uploads. Never longer than --warm-up.
constexpr double VISIT_WARM_UP_S = 0.1;
constexpr int LEAST_UNRECORDED = 2;
constexpr int TRACED_STEPS = 3;

/// Where the ranks run; see "place" in a results file.
const char* placeOf(const Program& program, const std::vector<std::string>& uuids) {
  if (std::string_view(backendName()) == "host") return "host";
  if (program.mirrored) return "mirrored";
  return std::set<std::string>(uuids.begin(), uuids.end()).size() < uuids.size() ? "colocated" : "real";
}

std::string percentText(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", share * 100);
  return text;
}

}  // namespace

std::string Measurement::run() {
  writeRun();
  writeArena();
  if (!session_.program.cases.empty() || session_.options.segments) {
    session_.program.cases.empty() ? surveySegments() : runCases();
    deactivate();
    return problemsText();
  }
  // Ranks on one GPU wait for each other's kernels and share the driver's locks: what they compute is worth knowing, how
  // long it takes is not, and many steps in flight could leave one rank no room to enqueue what another waits for.
  if (std::string_view(place_) == "colocated") {
    for (const int plan : session_.options.plans) check(plan);
    return endOfRun();
  }
  // NCCL's kernels, some 460 MB of device memory, stay loaded when its communicator is gone: plans that do without it have
  // their turn, and their memory measured, before.
  std::vector<int> turns = session_.options.plans;
  std::stable_partition(turns.begin(), turns.end(),
                        [this](int plan) { return planAt(plan).carrier.by != Carrier::By::Nccl; });
  const int rounds = session_.options.rounds;
  for (int round = 0; round < rounds; ++round) {
    note("round " + std::to_string(round + 1) + " of " + std::to_string(rounds));
    for (const int plan : turns) {
      if (round == 0) check(plan);
      if (round == 0 && plan == turns.front() && session_.options.warmUpS > 0) warmUp();
      visit(plan, round);
      if (round == rounds - 1 && session_.options.timeline) trace(plan);
    }
    // From the second round on. In the first, memory is checked, and no plan may find another one's communicator allocated.
    session_.keepTransports();
  }
  return endOfRun();
}

std::string Measurement::endOfRun() {
  deactivate();
  summarise();
  return problemsText();
}

std::string Measurement::problemsText() const {
  std::string all;
  for (const std::string& text : problems_) all += (all.empty() ? "" : "; ") + text;
  return all;
}

void Measurement::note(const std::string& text) {
  if (records_ != nullptr) records_->note(text);
}

void Measurement::problem(const std::string& text) { problems_.push_back(text); }

void Measurement::writeRun() {
  const DeviceInfo info = session_.device->info();
  const std::vector<std::string> devices = textsFromAll(session_.group, deviceJson(info));
  place_ = placeOf(session_.program, textsFromAll(session_.group, info.uuid));
  const GivenInputs& inputs = session_.given();
  const RunFacts facts{place_, devices, agreedOptions(session_.options), inputs};
  if (records_ != nullptr) records_->write(runLine(session_.program, facts));
  if (inputs.path().empty()) return;
  const auto list = [&](const char* what, const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? std::string("inputs ") + what + ": " : ", ") + name;
    if (!text.empty()) note(text);
  };
  list("given", inputs.given());
  list("random", inputs.random());
  list("computed", inputs.computed());
}

void Measurement::writeArena() {
  const ArenaFacts* facts = session_.arenaFacts();
  if (session_.options.surveyArena && facts == nullptr) note("arena: no plan streams anything, so there is nothing to survey");
  if (facts == nullptr || records_ == nullptr) return;
  records_->write(arenaLine(session_.arena, session_.options.arenaLayout, *facts));
  const auto text = [](const BlockSpread& spread) {
    char numbers[64];
    std::snprintf(numbers, sizeof numbers, "%.3f (variation %.1f %%)", spread.maxOverMin, spread.variation * 100);
    return std::string(numbers);
  };
  note("arena: fastest over slowest block, all ranks at once: " + text(spreadOf(facts->inOrder)) + " in order, " +
       text(spreadOf(facts->placed)) + " as laid out" + (facts->remark.empty() ? "" : "; " + facts->remark));
}

void Measurement::activate(int plan) {
  if (active_ && active_->index == plan) return;
  deactivate();
  active_ = std::make_unique<ActivePlan>(session_, plan);
}

void Measurement::deactivate() {
  if (!active_) return;
  session_.meet();
  active_.reset();
  session_.arena.setLocked(true);
  // Barrier: no rank allocates the next plan before all have freed this one.
  session_.group.barrier();
}

int Measurement::stepsFor(double seconds) const {
  return std::max(1, static_cast<int>(std::ceil(std::min(seconds / estimateS_.at(active_->index), 1e4))));
}

void Measurement::warmUp() {
  active_->restart();
  note("warming up");
  const auto start = std::chrono::steady_clock::now();
  double before = std::numeric_limits<double>::infinity();
  for (bool over = false; !over;) {
    const double now = chunkflow::summarise(active_->eager(0, stepsFor(WINDOW_S)).stepS).median;
    const double passedS = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    over = passedS >= session_.options.warmUpS || std::abs(now - before) <= WINDOWS_AGREE * now;
    over = fromFirst(session_.group, over);
    before = now;
  }
}

void Measurement::visit(int plan, int round) {
  activate(plan);
  const int unrecorded = std::max(LEAST_UNRECORDED, stepsFor(std::min(VISIT_WARM_UP_S, session_.options.warmUpS)));
  active_->restart();
  keep({plan, "eager"}, round, active_->eager(unrecorded, session_.options.steps));
  if (!session_.options.graph || !active_->capturable()) return;
  const int stepsOfOne = active_->graphSteps();
  const auto launches = [&](int steps) { return (steps + stepsOfOne - 1) / stepsOfOne; };
  active_->restart();
  keep({plan, "graph"}, round, active_->graph(launches(unrecorded), launches(session_.options.steps)));
}

void Measurement::keep(const Arm& arm, int round, const StepTimes& times) {
  std::vector<double>& all = stepS_[{arm.plan, arm.mode}];
  all.insert(all.end(), times.stepS.begin(), times.stepS.end());
  if (records_ != nullptr) records_->write(visitLine(arm, round, times));
}

void Measurement::trace(int plan) {
  // Right behind a visit: the clock has settled.
  active_->restart();
  const std::vector<double> stepS = active_->trace(LEAST_UNRECORDED, TRACED_STEPS);
  tracedS_[plan] = chunkflow::summarise(stepS).median;
  std::size_t middle = 0;
  for (std::size_t i = 0; i < stepS.size(); ++i) {
    if (std::abs(stepS[i] - tracedS_[plan]) < std::abs(stepS[middle] - tracedS_[plan])) middle = i;
  }
  middle = fromFirst(session_.group, middle);
  const auto lines = textsFromAll(
      session_.group, timelineLine(plan, session_.group.place().rank, active_->traced(middle)));
  if (records_ == nullptr) return;
  for (const std::string& line : lines) records_->write(line);
}

void Measurement::summarise() {
  if (records_ == nullptr) return;
  std::vector<ReportRow> rows;
  const OutputFacts& firstOutput = outputs_.at(session_.options.plans.front());
  for (const int plan : session_.options.plans) {
    const bool isSame = sameOutput(firstOutput, outputs_.at(plan));
    if (stepS_.empty()) {
      rows.push_back({planAt(plan).name, session_.options.graph ? "both" : "eager", Summary{},
                      usedBytes_.at(plan), isSame ? "same" : "differs"});
    }
    for (const char* mode : {"eager", "graph"}) {
      const auto found = stepS_.find({plan, mode});
      if (found == stepS_.end()) continue;
      const Summary summary = chunkflow::summarise(found->second);
      const bool traced = std::string_view(mode) == "eager" && tracedS_.contains(plan);
      const double tracedOverNot =
          traced ? tracedS_[plan] / summary.median - 1 : std::numeric_limits<double>::quiet_NaN();
      records_->write(summaryLine(session_.program, {plan, mode}, summary, session_.options.rounds, tracedOverNot));
      rows.push_back({planAt(plan).name, mode, summary, usedBytes_.at(plan), isSame ? "same" : "differs"});
      if (!summary.steady() && std::string_view(place_) != "colocated") {
        note(std::string(planAt(plan).name) + " (" + mode + ") is not steady: the middle 80 % of its steps spread " +
             "over " + percentText(summary.spread()) + " of the median");
      }
    }
  }
  if (!session_.options.table) return;
  for (const std::string& line : reportLines(rows, std::string_view(place_) != "colocated")) note(line);
  note(std::string("place: ") + place_ + "; output: against the first plan");
}

}  // namespace chunkflow
