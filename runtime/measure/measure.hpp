#pragma once
// A whole measurement on one rank: plans are timed in turns; in the first round each is checked before it is timed, in the
// last each is traced behind it.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "measure/active_plan.hpp"
#include "measure/record_lines.hpp"
#include "measure/report.hpp"
#include "measure/results.hpp"
#include "session/session.hpp"

namespace chunkflow {

class Measurement {
 public:
  /// @param records of rank 0; null on the others.
  Measurement(Session& session, Records* records) : session_(session), records_(records) {}

  /// Collective. Returns what was found wrong with the outputs, "" for nothing; everything is written by then.
  std::string run();

 private:
  void writeRun();
  void writeArena();
  void activate(int plan);
  void deactivate();

  // In check.cpp: what a plan computes, and in how much memory.
  void check(int plan);
  void writeMemory();
  void writeOutput(const OutputFacts& facts);
  OutputFacts gatherOutputs(const char* mode, int steps);
  void checkWeights();
  void checkGraph(const OutputFacts& eager);

  // In calibration.cpp: what single copies, collectives and segments take.
  void runCases();
  std::vector<CaseTimes> fromAllCases(const CaseTimes& own);
  void surveySegments();
  /// Collective. Measures and records one; its median seconds on the slowest rank.
  double takeSegment(int plan, const StepShape::Place& place, const SegmentRun& wanted);
  void sustain(int plan, const std::vector<std::pair<double, const StepShape::Place*>>& segments);

  // Timing.
  void warmUp();
  void visit(int plan, int round);
  void keep(const Arm& arm, int round, const StepTimes& times);
  void trace(int plan);
  void summarise();
  /// Writes the summaries; what was found wrong.
  std::string endOfRun();
  std::string problemsText() const;

  /// Steps that take at least so long, by rank 0's reckoning.
  int stepsFor(double seconds) const;
  const PlanProgram& planAt(int plan) const { return session_.program.plans[static_cast<std::size_t>(plan)]; }
  void note(const std::string& text);
  void problem(const std::string& text);

  Session& session_;
  Records* records_;
  const char* place_ = "";
  std::unique_ptr<ActivePlan> active_;
  /// By plan: seconds of a step, the same on every rank.
  std::map<int, double> estimateS_;
  // What a plan had in use at the most: as the device says it; on the host, where a device is the process of all ranks, as allocated.
  std::map<int, std::size_t> usedBytes_;
  std::map<int, OutputFacts> outputs_;
  std::map<int, double> tracedS_;
  /// By plan and mode.
  std::map<std::pair<int, std::string>, std::vector<double>> stepS_;
  std::vector<std::string> problems_;
};

}  // namespace chunkflow
