#pragma once
// The command line of a generated runtime.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arena/slots.hpp"
#include "program/program.hpp"

namespace chunkflow {

enum class RanksAs { Unsaid, Threads, Processes };

struct Options {
  std::string out;         // "": results go to the sink
  std::vector<int> plans;  // indices into the program's plans, in the order of measuring
  std::vector<int> cases;  // the same of a calibration program's cases
  int rounds = 5;
  int steps = 8;           // recorded steps of a visit
  double warmUpS = 3;      // the most that the warm-up takes
  bool graph = false, timeline = false, verify = false;
  bool synthetic = false;  // segments only take their time
  bool segments = false;   // measure single segments in place of steps
  bool sustained = false;  // the longest of them also until clock and power settle
  std::string weights;     // "": random
  bool checkWeights = false;  // only look whether they fit the program
  std::uint64_t seed = 1;
  std::string inputs;       // safetensors file; "": random
  int outputSteps = 0;      // steps from the inputs to the outputs; 0: see stepsToOutputs
  std::string saveOutputs;  // folder; "": outputs are digested only
  RanksAs ranks = RanksAs::Unsaid;
  std::vector<int> devices;  // by local rank; empty: as they come
  double timeLimitS = 60;
  std::optional<std::uint64_t> pinnedLimitBytes;  // of all ranks of this process together
  bool surveyArena = false;  // implied by the layout Surveyed
  ArenaLayout arenaLayout = ArenaLayout::Same;
  std::optional<int> stagedRing;  // in place of the rings that plans over staged-sm were generated with
  bool table = true;         // the plans beside each other, when all are measured
  bool describe = false, help = false;
};

/// @param argv the arguments without the program's name. @throws UserError, one line, for anything that it does not know.
Options parseOptions(int argc, const char* const* argv, const Program& program);

/// What --help prints.
std::string helpText();

/// Steps from the inputs to the outputs that are compared and saved: three, so that every slot of a ring is used again, or
/// the one that a user with own inputs expects.
int stepsToOutputs(const Options& options);

/// As --arena-layout says it.
std::string arenaLayoutName(ArenaLayout layout);

/// All that ranks must agree on, as text.
std::string agreedOptions(const Options& options);

}  // namespace chunkflow
