#include "measure/record_lines.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "measure/provenance.hpp"
#include "session/arena_surveyor.hpp"
#include "session/options.hpp"

namespace chunkflow {

namespace {

JsonWriter record(const char* kind) {
  JsonWriter json;
  json.beginObject().field("record", kind);
  return json;
}

std::string nowText() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// Variables that decide which of its transports NCCL takes.
constexpr const char* NCCL_VARIABLES[] = {"NCCL_P2P_DISABLE", "NCCL_P2P_LEVEL",  "NCCL_SHM_DISABLE",
                                          "NCCL_NET",         "NCCL_IB_DISABLE", "NCCL_NET_GDR_LEVEL"};

std::string hex(std::uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

/// Rates in bytes per second need no fractions.
std::vector<std::uint64_t> wholeNumbers(const std::vector<double>& numbers) {
  std::vector<std::uint64_t> rounded;
  for (const double number : numbers) rounded.push_back(static_cast<std::uint64_t>(std::llround(number)));
  return rounded;
}

const char* nameOf(const Program& program, int plan) { return program.plans[static_cast<std::size_t>(plan)].name; }

}  // namespace

bool OutputFacts::finite() const {
  return std::all_of(byRank.begin(), byRank.end(), [](const std::vector<OutputDigest>& outputs) {
    return std::all_of(outputs.begin(), outputs.end(), [](const OutputDigest& output) { return output.finite; });
  });
}

bool sameOutput(const OutputFacts& a, const OutputFacts& b) {
  const auto same = [](const std::vector<OutputDigest>& x, const std::vector<OutputDigest>& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                      [](const OutputDigest& p, const OutputDigest& q) { return p.digest == q.digest; });
  };
  return std::equal(a.byRank.begin(), a.byRank.end(), b.byRank.begin(), b.byRank.end(), same);
}

std::string deviceJson(const DeviceInfo& info) {
  JsonWriter json;
  json.beginObject().field("name", info.name).field("uuid", info.uuid).field("driver", info.driver);
  json.field("cuda", info.cuda).field("pciBus", info.pciBus).field("node", nodeName());
  if (!info.vbios.empty()) json.field("vbios", info.vbios);
  if (info.link.mostLanes > 0) {
    json.key("link").beginObject().field("lanes", std::uint64_t{info.link.lanes});
    json.field("mostLanes", std::uint64_t{info.link.mostLanes});
    json.field("mostGeneration", std::uint64_t{info.link.mostGeneration}).endObject();
  }
  // Of this rank: NCCL takes ranks of one host for those of several where it differs.
  if (const char* host = std::getenv("NCCL_HOSTID"); host != nullptr) json.field("ncclHostId", host);
  json.field("memoryBytes", static_cast<std::uint64_t>(info.memoryBytes));
  return json.endObject().take();
}

void writeClaim(JsonWriter& json, const MemoryClaim& claim) {
  json.beginObject().field("outsideBytes", claim.outsideBytes).field("residentBytes", claim.residentBytes);
  json.field("slotBytes", claim.slotBytes).field("activationBytes", claim.activationBytes);
  json.field("collectiveBufferBytes", claim.collectiveBufferBytes).field("reserveBytes", claim.reserveBytes);
  json.field("gpuPeakBytes", claim.gpuPeakBytes).field("hostPinnedBytes", claim.hostPinnedBytes).endObject();
}

std::string runLine(const Program& program, const RunFacts& facts) {
  JsonWriter json = record("run");
  json.field("schema", "chunkflow/measurement@1").field("program", program.id).field("title", program.title);
  json.field("fingerprint", program.fingerprint).field("runtime", CHUNKFLOW_RUNTIME_HASH);
  json.field("tool", program.tool);
  if (*program.commit != '\0') json.field("commit", program.commit);
  json.field("backend", backendName());
  if (const std::string job = slurmJob(); !job.empty()) json.field("slurmJob", job);
  json.field("place", facts.place).field("ranks", program.ranks).field("groupSize", program.groupSize);
  json.field("startedAt", nowText()).key("devices").beginArray();
  for (const std::string& device : facts.devices) json.raw(device);
  json.endArray().field("libraries", Compute::libraries()).field("nccl", ncclVersion());
  json.key("ncclVariables").beginObject();
  for (const char* name : NCCL_VARIABLES) {
    const char* value = std::getenv(name);
    if (value != nullptr) json.field(name, value);
  }
  json.endObject();
  json.key("options").raw(facts.optionsJson);
  json.key("inputs").beginObject().field("given", facts.inputs.given()).field("random", facts.inputs.random());
  json.field("computed", facts.inputs.computed()).endObject();
  return json.endObject().take();
}

std::string arenaLine(const WeightArena& arena, ArenaLayout layout, const ArenaFacts& facts) {
  std::vector<std::uint64_t> slotBytes, groups;
  for (std::size_t slot = 0; slot < arena.slots(); ++slot) {
    slotBytes.push_back(arena.cut().slots[slot].bytes);
    groups.push_back(arena.cut().slots[slot].group);
  }
  JsonWriter json = record("arena");
  json.field("layout", arenaLayoutName(layout)).field("blocks", arena.cut().blocks).field("slotBytes", slotBytes);
  json.field("groupOfSlot", groups).field("sampleBytes", ArenaSurveyor::SAMPLE_BYTES);
  json.field("repeats", ArenaSurveyor::REPEATS);
  const auto rates = [&](const char* name, const RatesByRank& byRank) {
    json.key(name).beginArray();
    for (const auto& ofRank : byRank) json.value(wholeNumbers(ofRank));
    json.endArray();
  };
  rates("alone", facts.survey.alone);
  json.key("together").beginArray();
  for (const ShiftedRates& shifted : facts.survey.shifted) {
    json.beginObject().field("shift", static_cast<std::uint64_t>(shifted.shift));
    rates("bytesPerS", shifted.bytesPerS);
    json.endObject();
  }
  json.endArray().key("slotOf").beginArray();
  for (const auto& ofRank : facts.slotOf) json.value(std::vector<std::uint64_t>(ofRank.begin(), ofRank.end()));
  json.endArray();
  const auto blocks = [&](const char* name, const RatesByRank& byRank) {
    const BlockSpread spread = spreadOf(byRank);
    json.key(name).beginObject();
    rates("bytesPerS", byRank);
    json.field("maxOverMin", spread.maxOverMin).field("variation", spread.variation).endObject();
  };
  blocks("inOrder", facts.inOrder);
  blocks("placed", facts.placed);
  json.key("remark");
  facts.remark.empty() ? json.null() : json.value(facts.remark);
  return json.field("surveyS", facts.surveyS).endObject().take();
}

std::string memoryLine(const Program& program, int plan, const MemoryFacts& facts) {
  const MemoryClaim& claim = program.plans[static_cast<std::size_t>(plan)].claim;
  JsonWriter json = record("memory");
  json.field("plan", plan).field("name", nameOf(program, plan)).field("claimedBytes", claim.gpuPeakBytes).key("claim");
  writeClaim(json, claim);
  json.field("allocatedPeakBytes", static_cast<std::uint64_t>(facts.allocatedPeakBytes));
  json.field("devicePeakBytes", static_cast<std::uint64_t>(facts.devicePeakBytes));
  json.field("contextBytes", static_cast<std::uint64_t>(facts.contextBytes));
  json.field("pinnedBytes", static_cast<std::uint64_t>(facts.pinnedBytes));
  return json.field("claimedPinnedBytes", claim.hostPinnedBytes).endObject().take();
}

std::string outputLine(const Program& program, const OutputFacts& facts) {
  JsonWriter json = record("output");
  json.field("plan", facts.arm.plan).field("steps", facts.steps).field("mode", facts.arm.mode);
  json.key("digests").beginArray();
  for (std::size_t rank = 0; rank < facts.byRank.size(); ++rank) {
    for (std::size_t i = 0; i < facts.byRank[rank].size(); ++i) {
      json.beginObject().field("rank", static_cast<int>(rank)).field("residual", program.residuals[i].name);
      json.field("digest", hex(facts.byRank[rank][i].digest)).endObject();
    }
  }
  return json.endArray().field("finite", facts.finite()).endObject().take();
}

std::string verifyLine(int plan, const Verdict& verdict) {
  JsonWriter json = record("verify");
  json.field("plan", plan).field("chunks", verdict.chunks).field("wrong", verdict.wrong).key("first");
  if (verdict.first) {
    json.beginObject().field("position", verdict.first->position).field("block", verdict.first->block);
    json.field("from", verdict.first->from).field("to", verdict.first->to).endObject();
  } else {
    json.null();
  }
  return json.endObject().take();
}

std::string visitLine(const Arm& arm, int round, const StepTimes& times) {
  JsonWriter json = record("visit");
  json.field("plan", arm.plan).field("round", round).field("mode", arm.mode).field("stepS", times.stepS);
  json.field("enqueueS", times.enqueueS).field("smHz", times.clock.smHz).field("powerW", times.clock.powerW);
  return json.field("temperatureC", times.clock.temperatureC).endObject().take();
}

std::string timelineLine(int plan, int rank, const Intervals& intervals) {
  JsonWriter json = record("timeline");
  json.field("plan", plan).field("rank", rank).field("stepS", intervals.stepS).field("position", intervals.position);
  json.field("statement", intervals.statement).field("part", intervals.part).field("startS", intervals.startS);
  return json.field("endS", intervals.endS).endObject().take();
}

std::string summaryLine(const Program& program, const Arm& arm, const Summary& summary, int rounds,
                        double tracedOverNot) {
  JsonWriter json = record("summary");
  json.field("plan", arm.plan).field("name", nameOf(program, arm.plan)).field("mode", arm.mode);
  json.field("medianS", summary.median).field("madS", summary.mad).field("p10S", summary.p10);
  json.field("p90S", summary.p90).field("minS", summary.min).field("steps", static_cast<std::uint64_t>(summary.count));
  json.field("rounds", rounds).field("spread", summary.spread()).field("steady", summary.steady());
  return json.field("tracedOverNot", tracedOverNot).endObject().take();
}

std::string caseLine(const CalibrationCase& wanted, int index, int round, const std::vector<CaseTimes>& byRank) {
  JsonWriter json = record("case");
  json.field("case", index).field("id", wanted.id).field("round", round).key("parameters").raw(wanted.parameters);
  json.key("ranks").beginArray();
  for (const CaseTimes& times : byRank) {
    json.beginObject().field("callS", times.callS).field("downS", times.downS).field("upS", times.upS);
    json.field("windowS", times.windowS).field("windowBytes", times.windowBytes);
    json.field("outlasted", times.outlasted).endObject();
  }
  return json.endArray().endObject().take();
}

std::string segmentLine(int plan, const StepShape::Place& place, const SegmentRun& wanted, const SegmentTimes& times) {
  static constexpr const char* BESIDE[] = {"nothing", "copies", "collectives"};
  JsonWriter json = record("segment");
  json.field("plan", plan).field("name", place.segment->name).field("position", place.position);
  json.field("statement", place.statement).field("beside", BESIDE[static_cast<std::size_t>(wanted.beside)]);
  json.field("gapS", wanted.gapS).field("windowS", wanted.seconds).field("runS", times.runS).field("runs", times.runs);
  return json.field("smHz", times.clock.smHz).field("powerW", times.clock.powerW).endObject().take();
}

std::string pacedLine(int plan, const StepShape::Place& place, const PacedCopies& wanted, const PacedTimes& times) {
  JsonWriter json = record("paced");
  json.field("plan", plan).field("name", place.segment->name).field("position", place.position);
  json.field("statement", place.statement).field("chunkBytes", wanted.chunkBytes).field("chunks", wanted.chunks);
  json.field("paceS", wanted.paceS).field("periodS", times.periodS).field("outlasted", times.outlasted);
  return json.endObject().take();
}

std::string endLine(double wallS, const std::string& error) {
  JsonWriter json = record("end");
  json.field("ok", error.empty());
  if (error.empty()) {
    json.field("wallS", wallS);
  } else {
    json.field("error", error);
  }
  return json.endObject().take();
}

}  // namespace chunkflow
