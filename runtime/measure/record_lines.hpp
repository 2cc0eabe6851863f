#pragma once
// The records of a results file, one line of JSON each. Times in seconds, sizes in bytes.
#include <string>
#include <vector>

#include "arena/facts.hpp"
#include "base/json.hpp"
#include "base/summary.hpp"
#include "measure/active_plan.hpp"
#include "plan/tracer.hpp"
#include "plan/verifier.hpp"
#include "program/program.hpp"
#include "weights/given_inputs.hpp"

namespace chunkflow {

struct RunFacts {
  const char* place;                 // host, mirrored, colocated or real
  std::vector<std::string> devices;  // per rank, by deviceJson
  std::string optionsJson;
  const GivenInputs& inputs;
};

/// A plan and the way its steps were run.
struct Arm {
  int plan;
  const char* mode;  // eager or graph
};

struct OutputFacts {
  Arm arm;
  int steps;
  std::vector<std::vector<OutputDigest>> byRank;
  bool finite() const;
};

/// Whether two runs left the same bits on every rank.
bool sameOutput(const OutputFacts& a, const OutputFacts& b);

struct MemoryFacts {
  std::size_t allocatedPeakBytes, devicePeakBytes, contextBytes, pinnedBytes;
};

std::string deviceJson(const DeviceInfo& info);
void writeClaim(JsonWriter& json, const MemoryClaim& claim);

std::string runLine(const Program& program, const RunFacts& facts);
std::string arenaLine(const WeightArena& arena, ArenaLayout layout, const ArenaFacts& facts);
std::string memoryLine(const Program& program, int plan, const MemoryFacts& facts);
std::string outputLine(const Program& program, const OutputFacts& facts);
std::string verifyLine(int plan, const Verdict& verdict);
std::string visitLine(const Arm& arm, int round, const StepTimes& times);
std::string timelineLine(int plan, int rank, const Intervals& intervals);
/// @param tracedOverNot NaN where nothing was traced.
std::string summaryLine(const Program& program, const Arm& arm, const Summary& summary, int rounds,
                        double tracedOverNot);
/// @param byRank what it took on each rank.
std::string caseLine(const CalibrationCase& wanted, int index, int round, const std::vector<CaseTimes>& byRank);
std::string segmentLine(int plan, const StepShape::Place& place, const SegmentRun& wanted, const SegmentTimes& times);
std::string pacedLine(int plan, const StepShape::Place& place, const PacedCopies& wanted, const PacedTimes& times);
/// @param error "" for a run that went well.
std::string endLine(double wallS, const std::string& error);

}  // namespace chunkflow
