#include "session/session.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <thread>

#include "base/error.hpp"
#include "plan/memory.hpp"

namespace chunkflow {

namespace {

constexpr auto LOOK_EVERY = std::chrono::microseconds(200);
constexpr auto LET_GO = std::chrono::seconds(5);
constexpr std::size_t WORDS_BYTES = 4096;
/// Rows of a rotary table that one thread makes at a time.
constexpr std::int64_t ROTARY_PART_ROWS = 256;

int fillSharers(const Place& place) {
  return place.threads ? place.ranks : std::min(place.hosts.ranksBeside(place.rank), std::max(1, Device::count()));
}

std::vector<std::byte> bytesOf(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

/// Names of the program's plans that a test lets through.
std::string namesOf(const Program& program, const std::function<bool(const PlanProgram&)>& fits) {
  std::string names;
  for (std::size_t i = 0; i < program.plans.size(); ++i) {
    if (!fits(program.plans[i])) continue;
    names += (names.empty() ? "" : ", ") + std::to_string(i) + " (" + program.plans[i].name + ")";
  }
  return names.empty() ? "none of this program's" : names;
}

}  // namespace

std::string gibText(std::uint64_t bytes) {
  constexpr double MEBIBYTE = 1048576;
  const bool large = bytes >= std::uint64_t{1} << 29;
  char text[32];
  std::snprintf(text, sizeof text, large ? "%.2f GiB" : "%.1f MiB",
                static_cast<double>(bytes) / (large ? 1024 * MEBIBYTE : MEBIBYTE));
  return text;
}

Session::Session(const Program& program_, const Options& options_, Group& group_, int deviceIndex,
                 std::function<void(const std::string&)> giveUp)
    : program(program_),
      options(options_),
      group(group_),
      device(Device::open(deviceIndex)),
      streams(*device),
      compute(*device, streams[On::Compute], program_.workspaceBytes),
      bounce(*device),
      words_(*device, WORDS_BYTES),
      arena(*device, program_, options_.plans, fillSharers(group_.place()), options_.arenaLayout),
      watchdog(options_.timeLimitS, progress(),
               {[this] { return failure(); }, [this](const std::string& why) { release(why); }, std::move(giveUp)}) {
  const MemoryUse use = device->memory();
  const std::size_t before = use.deviceUsedBeforeBytes + use.allocatedBytes;
  contextBytes_ = use.deviceUsedBytes > before ? use.deviceUsedBytes - before : 0;
  const std::string own = device->info().uuid;
  const auto others = group.gather(bytesOf(own));
  deviceSharers_ = static_cast<int>(std::count(others.begin(), others.end(), bytesOf(own)));
}

Session::~Session() = default;

void Session::prepare() {
  checkDeviceMemory();
  checkHostMemory();
  checkSurvey();
  given_ = std::make_unique<GivenInputs>(program, options.inputs);
  const int shard = group.place().rank % program.tensorShards;
  values = options.weights.empty() ? randomWeights(program, shard, options.seed)
                                   : checkpointWeights(program, shard, options.weights);
  // Barrier: no rank allocates before all have checked their free memory.
  group.barrier();
  layOutArena();
  group.barrier();
}

void Session::checkDeviceMemory() const {
  const std::uint64_t available = device->memory().deviceFreeBytes / static_cast<std::uint64_t>(deviceSharers_);
  for (const int index : options.plans) {
    const PlanProgram& plan = program.plans[static_cast<std::size_t>(index)];
    const std::uint64_t needed = PlanMemory::bytesFor(program, plan);
    if (needed <= available) continue;
    throw UserError("plan " + std::string(plan.name) + " needs " + gibText(needed) + " of memory on " +
                    device->info().name + ", " + gibText(available) + " are free" +
                    (deviceSharers_ > 1 ? " for each of its ranks" : "") + "; plans that fit (--plans): " +
                    namesOf(program, [&](const PlanProgram& other) {
                      return PlanMemory::bytesFor(program, other) <= available;
                    }));
  }
}

void Session::checkHostMemory() const {
  const auto ranksHere = static_cast<std::uint64_t>(group.place().threads ? group.place().ranks : 1);
  const std::uint64_t limit = options.pinnedLimitBytes.value_or(std::numeric_limits<std::uint64_t>::max());
  const std::uint64_t available = std::min(limit, availableHostBytes()) / ranksHere;
  if (arena.bytes() <= available) return;
  throw UserError("the weights that are streamed need " + gibText(arena.bytes()) + " of pinned host memory" +
                  (ranksHere > 1 ? " for each rank" : "") + ", " + gibText(available) + " can be had" +
                  (limit <= available * ranksHere ? " (--pinned-limit)" : "") + "; plans that fit alone (--plans): " +
                  namesOf(program, [&](const PlanProgram& other) {
                    const int index = static_cast<int>(&other - program.plans.data());
                    return WeightArena::bytesFor(program, std::span(&index, 1)) <= available;
                  }));
}

void Session::waitIdle(const std::function<void()>& meanwhile) {
  while (!streams.idle()) {
    watchdog.check();
    if (meanwhile) meanwhile();
    std::this_thread::sleep_for(LOOK_EVERY);
  }
  watchdog.check();
}

void Session::meet() {
  waitIdle();
  group.barrier();
}

void Session::watch(Transport* transport, Staging* staging) {
  const std::lock_guard lock(watchedMutex_);
  watchedTransport_ = transport;
  watchedStaging_ = staging;
}

std::string Session::failure() {
  if (std::string why = group.failure(); !why.empty()) return why;
  const std::lock_guard lock(watchedMutex_);
  const std::string why = watchedTransport_ != nullptr ? watchedTransport_->error() : "";
  return why.empty() ? "" : std::string("a collective failed: ") + why;
}

void Session::release(const std::string& why) {
  group.fail(why);
  const std::lock_guard lock(watchedMutex_);
  if (watchedStaging_ != nullptr) watchedStaging_->release();
  if (watchedTransport_ != nullptr) watchedTransport_->abort();
}

bool Session::letGo(const std::string& why) {
  bool quiet = false;
  try {
    release(why);
    const auto until = std::chrono::steady_clock::now() + LET_GO;
    while (!(quiet = streams.idle()) && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(LOOK_EVERY);
  } catch (const std::exception&) {
    // After a device error nothing on it can still hang.
    quiet = true;
  }
  watchdog.settle();
  return quiet;
}

std::shared_ptr<Transport> Session::transportFor(const PlanProgram& plan, Staging* staging) {
  switch (plan.carrier.by) {
    case Carrier::By::Nobody:
    case Carrier::By::CopyEngines:
      return nullptr;
    case Carrier::By::Nccl: {
      std::shared_ptr<Transport> made = nccl_ ? nccl_ : std::shared_ptr<Transport>(ncclTransport(*device, group));
      if (keepTransports_) nccl_ = made;
      return made;
    }
    case Carrier::By::Kernel:
      return stagedSmTransport(*device, group, *staging, plan.carrier.ctas,
                               options.stagedRing.value_or(plan.carrier.ring));
  }
  throw RunError(std::string("plan ") + plan.name + ": nobody carries its collectives; generate the program again");
}

const std::vector<float>& Session::rotaryTable(const Input& input) {
  std::vector<float>& table = tables_[&input];
  if (!table.empty()) return table;
  table.resize(input.count());
  const std::int64_t ownFirst = input.sharded ? groupRank() * input.rows : 0;
  if (const StoredTensor* tensor = given().find(input.name)) {
    readAsFloat(*tensor, ownFirst * input.width, table);
    return table;
  }
  const std::int64_t parts = (input.rows + ROTARY_PART_ROWS - 1) / ROTARY_PART_ROWS;
  inParallel(arena.numaNode(), arena.sharers(), static_cast<std::size_t>(parts), [&](std::size_t part) {
    const std::int64_t first = static_cast<std::int64_t>(part) * ROTARY_PART_ROWS;
    const std::int64_t rows = std::min(ROTARY_PART_ROWS, input.rows - first);
    fillRotaryRows(input.axes, ownFirst + first, input.width,
                   std::span(table).subspan(static_cast<std::size_t>(first * input.width),
                                            static_cast<std::size_t>(rows * input.width)));
  });
  return table;
}

}  // namespace chunkflow
