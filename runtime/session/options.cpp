#include "session/options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <numeric>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace chunkflow {

namespace {

template <class T>
T numberOf(const std::string& flag, const std::string& text, T least, const char* expected) {
  T number{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = result.ec == std::errc{} && result.ptr == text.data() + text.size();
  if (!whole || !(number >= least) || !std::isfinite(static_cast<double>(number))) {
    throw UserError(flag + ": expected " + expected + ", got '" + text + "'");
  }
  return number;
}

/// As ArenaLayout numbers them.
constexpr std::string_view ARENA_LAYOUTS[] = {"same", "reversed", "surveyed"};

std::vector<int> indicesOf(const std::string& flag, const std::string& text) {
  std::vector<int> indices;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    indices.push_back(numberOf(flag, text.substr(from, comma - from), 0, "numbers from 0 with commas between them"));
    from = comma + 1;
  }
  return indices;
}

/// One flag: how it reads, what it does, and what follows it ("" for a switch).
struct Flag {
  const char* name;
  const char* operand;
  const char* help;
  std::function<void(Options&, const std::string& flag, const std::string& text)> apply;
};

const std::vector<Flag>& flags() {
  using Text = const std::string&;
  static const std::vector<Flag> all = {
      {"--out", "FILE.jsonl", "append the results to this file instead of printing them",
       [](Options& o, Text flag, Text text) {
         if (text.empty()) throw UserError(flag + ": expected a file, got ''");
         o.out = text;
       }},
      {"--plans", "0,3,...", "which plans, in this order (default: all)",
       [](Options& o, Text flag, Text text) { o.plans = indicesOf(flag, text); }},
      {"--cases", "0,3,...", "which cases of a calibration program (default: all)",
       [](Options& o, Text flag, Text text) { o.cases = indicesOf(flag, text); }},
      {"--segments", "", "measure each segment of a block by itself, in place of steps",
       [](Options& o, Text, Text) { o.segments = true; }},
      {"--sustained", "", "with --segments: the longest also until clock and power settle, and beside paced copies",
       [](Options& o, Text, Text) { o.segments = o.sustained = true; }},
      {"--rounds", "N", "how often every plan has its turn (default 5)",
       [](Options& o, Text flag, Text text) { o.rounds = numberOf(flag, text, 1, "a number from 1"); }},
      {"--steps", "N", "recorded steps of a turn (default 8)",
       [](Options& o, Text flag, Text text) { o.steps = numberOf(flag, text, 1, "a number from 1"); }},
      {"--warm-up", "S", "the most seconds of warm-up (default 3)",
       [](Options& o, Text flag, Text text) { o.warmUpS = numberOf(flag, text, 0.0, "seconds, at least 0"); }},
      {"--graph", "", "measure every plan as a graph too", [](Options& o, Text, Text) { o.graph = true; }},
      {"--timeline", "", "record when each statement of a step ran", [](Options& o, Text, Text) { o.timeline = true; }},
      {"--verify", "", "check the streamed weights by checksums when they are used",
       [](Options& o, Text, Text) { o.verify = true; }},
      {"--compute", "real|synthetic", "run the blocks' kernels or only take their time (default real)",
       [](Options& o, Text flag, Text text) {
         if (text != "real" && text != "synthetic") {
           throw UserError(flag + ": expected real or synthetic, got '" + text + "'");
         }
         o.synthetic = text == "synthetic";
       }},
      {"--weights", "FILE|DIR", "weights from a checkpoint: file, index, its folder or its pipeline's (default: random)",
       [](Options& o, Text flag, Text text) {
         if (text.empty()) throw UserError(flag + ": expected a file or folder, got ''");
         o.weights = text;
       }},
      {"--check-weights", "", "only check that --weights has every tensor in the right shape; needs no device",
       [](Options& o, Text, Text) { o.checkWeights = true; }},
      {"--inputs", "FILE.safetensors", "tensors by name, of all ranks (--describe lists them; default: random)",
       [](Options& o, Text flag, Text text) {
         if (text.empty()) throw UserError(flag + ": expected a file, got ''");
         o.inputs = text;
       }},
      {"--output-steps", "N", "steps to the outputs that are compared and saved (default 3; 1 with --inputs)",
       [](Options& o, Text flag, Text text) { o.outputSteps = numberOf(flag, text, 1, "a number from 1"); }},
      {"--save-outputs", "DIR", "keep what every plan computes, a safetensors file each",
       [](Options& o, Text flag, Text text) {
         if (text.empty()) throw UserError(flag + ": expected a folder, got ''");
         o.saveOutputs = text;
       }},
      {"--seed", "N", "of random weights and inputs (default 1)",
       [](Options& o, Text flag, Text text) { o.seed = numberOf<std::uint64_t>(flag, text, 0, "a number from 0"); }},
      {"--ranks", "threads|processes", "how the ranks run (default: processes where there are several devices)",
       [](Options& o, Text flag, Text text) {
         if (text != "threads" && text != "processes") {
           throw UserError(flag + ": expected threads or processes, got '" + text + "'");
         }
         o.ranks = text == "threads" ? RanksAs::Threads : RanksAs::Processes;
       }},
      {"--devices", "0,1,...", "the device of each rank of this host (default: 0, 1, ...)",
       [](Options& o, Text flag, Text text) { o.devices = indicesOf(flag, text); }},
      {"--time-limit", "S", "how long to wait for a step or for another rank (default 60)",
       [](Options& o, Text flag, Text text) {
         o.timeLimitS = numberOf(flag, text, 0.001, "seconds, more than 0");
       }},
      {"--pinned-limit", "BYTES", "the most pinned host memory for weights (default: what is there)",
       [](Options& o, Text flag, Text text) {
         o.pinnedLimitBytes = numberOf<std::uint64_t>(flag, text, 0, "a number of bytes");
       }},
      {"--survey-arena", "", "record how fast every part of the pinned weights is copied, by one rank and by all at once",
       [](Options& o, Text, Text) { o.surveyArena = true; }},
      {"--arena-layout", "same|reversed|surveyed", "order of blocks in pinned memory: as they are, reversed on odd ranks, by survey",
       [](Options& o, Text flag, Text text) {
         const auto* name = std::find(std::begin(ARENA_LAYOUTS), std::end(ARENA_LAYOUTS), text);
         if (name == std::end(ARENA_LAYOUTS)) {
           throw UserError(flag + ": expected same, reversed or surveyed, got '" + text + "'");
         }
         o.arenaLayout = static_cast<ArenaLayout>(name - std::begin(ARENA_LAYOUTS));
         if (o.arenaLayout == ArenaLayout::Surveyed) o.surveyArena = true;
       }},
      {"--staged-ring", "N", "slices that staged-sm stages of a thread block at a time; 0: whole messages (default: as generated)",
       [](Options& o, Text flag, Text text) {
         constexpr std::array<int, 6> RINGS{0, 2, 4, 8, 16, 32};
         const int ring = numberOf<int>(flag, text, 0, "0, 2, 4, 8, 16 or 32");
         if (std::find(RINGS.begin(), RINGS.end(), ring) == RINGS.end()) {
           throw UserError(flag + ": expected 0, 2, 4, 8, 16 or 32, got '" + text + "'");
         }
         o.stagedRing = ring;
       }},
      {"--no-table", "", "leave out the closing table, for whoever makes one of the results",
       [](Options& o, Text, Text) { o.table = false; }},
      {"--describe", "", "print what this program is, as JSON", [](Options& o, Text, Text) { o.describe = true; }},
      {"--help", "", "print this", [](Options& o, Text, Text) { o.help = true; }},
  };
  return all;
}

std::size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

const Flag& flagNamed(const std::string& name) {
  const auto& all = flags();
  const auto known = std::find_if(all.begin(), all.end(), [&](const Flag& flag) { return name == flag.name; });
  if (known != all.end()) return *known;
  const auto nearest = std::min_element(all.begin(), all.end(), [&](const Flag& a, const Flag& b) {
    return editDistance(name, a.name) < editDistance(name, b.name);
  });
  throw UserError("unknown argument '" + name + "'; did you mean " + nearest->name + "? (--help lists all)");
}

/// All of `count` things where none was chosen; else the chosen ones, each of which must exist and be named once.
void checkChosen(std::vector<int>& chosen, const char* flag, const std::string& noun, int count) {
  if (chosen.empty()) {
    chosen.resize(static_cast<std::size_t>(count));
    std::iota(chosen.begin(), chosen.end(), 0);
  }
  for (auto at = chosen.begin(); at != chosen.end(); ++at) {
    const std::string one = noun + " " + std::to_string(*at);
    if (*at >= count) {
      throw UserError(std::string(flag) + ": there is no " + one + "; this program has " +
                      (count == 0 ? "none" : noun + "s 0 to " + std::to_string(count - 1)));
    }
    if (std::find(chosen.begin(), at, *at) != at) throw UserError(std::string(flag) + ": " + one + " is named twice");
  }
}

}  // namespace

Options parseOptions(int argc, const char* const* argv, const Program& program) {
  Options options;
  for (int i = 0; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equals = argument.starts_with("--") ? argument.find('=') : std::string::npos;
    const std::string name = argument.substr(0, equals);
    const Flag& flag = flagNamed(name);
    const bool wantsOperand = *flag.operand != '\0';
    if (!wantsOperand && equals != std::string::npos) {
      throw UserError(std::string(flag.name) + ": takes no value, got '" + argument.substr(equals + 1) + "'");
    }
    std::string operand;
    if (equals != std::string::npos) {
      operand = argument.substr(equals + 1);
    } else if (wantsOperand) {
      if (i + 1 >= argc) throw UserError(std::string(flag.name) + ": expected " + flag.operand + " behind it");
      operand = argv[++i];
    }
    flag.apply(options, flag.name, operand);
  }
  if (options.checkWeights && options.weights.empty()) {
    throw UserError("--check-weights: there is nothing to check; give --weights FILE.safetensors or a folder");
  }
  checkChosen(options.plans, "--plans", "plan", static_cast<int>(program.plans.size()));
  checkChosen(options.cases, "--cases", "case", static_cast<int>(program.cases.size()));
  return options;
}

std::string helpText() {
  std::string text = "Measures the plans that this program was generated for. Results are JSON Lines.\n";
  for (const Flag& flag : flags()) {
    std::string left = std::string("  ") + flag.name + " " + flag.operand;
    left.resize(std::max<std::size_t>(left.size() + 2, 34), ' ');
    text += "\n" + left + flag.help;
  }
  return text;
}

int stepsToOutputs(const Options& options) {
  constexpr int OF_RANDOM = 3, OF_GIVEN = 1;
  if (options.outputSteps > 0) return options.outputSteps;
  return options.inputs.empty() ? OF_RANDOM : OF_GIVEN;
}

std::string arenaLayoutName(ArenaLayout layout) {
  return std::string(ARENA_LAYOUTS[static_cast<std::size_t>(layout)]);
}

std::string agreedOptions(const Options& options) {
  JsonWriter json;
  json.beginObject();
  json.field("plans", options.plans).field("rounds", options.rounds).field("steps", options.steps);
  json.field("warmUpS", options.warmUpS).field("graph", options.graph).field("timeline", options.timeline);
  if (!options.cases.empty()) json.field("cases", options.cases);
  if (options.segments) json.field("segments", true);
  if (options.sustained) json.field("sustained", true);
  json.field("verify", options.verify).field("compute", options.synthetic ? "synthetic" : "real");
  json.field("weights", options.weights.empty() ? "random" : options.weights).field("seed", options.seed);
  if (!options.inputs.empty()) json.field("inputs", options.inputs);
  if (options.outputSteps > 0) json.field("outputSteps", options.outputSteps);
  if (options.surveyArena) json.field("surveyArena", true);
  if (options.arenaLayout != ArenaLayout::Same) json.field("arenaLayout", arenaLayoutName(options.arenaLayout));
  if (options.stagedRing) json.field("stagedRing", *options.stagedRing);
  return json.endObject().take();
}

}  // namespace chunkflow
