#include "session/arena_surveyor.hpp"

#include <algorithm>

#include "base/summary.hpp"
#include "ranks/agree.hpp"
#include "session/session.hpp"

namespace chunkflow {

namespace {

/// Of one copy operation, at least: long against its start-up.
constexpr std::uint64_t LEAST_CHUNK_BYTES = std::uint64_t{8} << 20;
/// A large block is copied in so many chunks, or a few more.
constexpr std::uint64_t CHUNKS = 64;
constexpr std::uint64_t CHUNK_ALIGNMENT = 256;
/// Copy operations that are enqueued before the device is waited for: fewer than a stream takes before it makes its caller
/// wait, which ranks that share a process would do with the driver's lock in hand.
constexpr std::uint64_t MOST_ENQUEUED = 256;
/// Lower limit of a measured time, below the resolution of events.
constexpr double LEAST_S = 1e-7;
/// Word of the staging flags.
constexpr int FLAG = 0;

/// Of copies of so many bytes, which land in SAMPLE_BYTES.
std::uint64_t chunkBytesOf(std::uint64_t bytes) {
  return std::clamp(bytes / CHUNKS / LEAST_CHUNK_BYTES * LEAST_CHUNK_BYTES, LEAST_CHUNK_BYTES, ArenaSurveyor::SAMPLE_BYTES);
}

std::uint64_t chunksOf(std::uint64_t bytes) { return (bytes + chunkBytesOf(bytes) - 1) / chunkBytesOf(bytes); }

}  // namespace

ArenaSurveyor::ArenaSurveyor(Session& session) : session_(session) {
  if (session.group.place().ranks > 1) {
    staging_ = std::make_unique<Staging>(*session.device, session.group, 0);
    session.watch(nullptr, staging_.get());
  }
  landing_ = session.device->buffer(SAMPLE_BYTES);
}

ArenaSurveyor::~ArenaSurveyor() { session_.watch(nullptr, nullptr); }

ArenaSurvey ArenaSurveyor::survey() {
  const WeightArena& arena = session_.arena;
  const Place& place = session_.group.place();
  const auto groups = slotsByGroup(arena.cut(), arena.slots());
  std::size_t largestGroup = 0;
  for (const auto& group : groups) largestGroup = std::max(largestGroup, group.size());
  const auto shifts = surveyShifts(largestGroup, place.ranks == 1 ? 1 : shiftsOf(groups));

  std::vector<Extent> samples;
  for (std::size_t slot = 0; slot < arena.slots(); ++slot) samples.push_back(sampleOf(slot));
  std::vector<Pass> passes;
  for (int rank = 0; rank < place.ranks; ++rank) passes.push_back({samples, rank});
  for (const std::size_t shift : shifts) {
    passes.emplace_back();
    for (const std::size_t slot : shiftedSlots(groups, shift)) passes.back().extents.push_back(samples[slot]);
  }
  // Warm-up: the first access to pinned memory is slow.
  session_.meet();
  copyAll(passes.back());
  const auto rates = measure(passes);

  ArenaSurvey survey;
  survey.alone = fromAll(session_.group, rates[static_cast<std::size_t>(place.rank)]);
  for (std::size_t i = 0; i < shifts.size(); ++i) {
    const std::vector<std::size_t> slots = shiftedSlots(groups, shifts[i]);
    const std::vector<double>& inOrder = rates[static_cast<std::size_t>(place.ranks) + i];
    std::vector<double> bySlot(slots.size());
    for (std::size_t copy = 0; copy < slots.size(); ++copy) bySlot[slots[copy]] = inOrder[copy];
    survey.shifted.push_back({shifts[i], fromAll(session_.group, bySlot)});
  }
  return survey;
}

std::vector<RatesByRank> ArenaSurveyor::blocks(const std::vector<std::vector<std::size_t>>& layouts) {
  const WeightArena& arena = session_.arena;
  std::vector<Pass> passes;
  for (const auto& slotOf : layouts) {
    passes.emplace_back();
    for (std::size_t index = 0; index < slotOf.size(); ++index) {
      const std::uint64_t bytes = arena.heldBytes(arena.cut().blocks[index]);
      passes.back().extents.push_back({arena.slot(slotOf[index]), bytes, bytes});
    }
  }
  std::vector<RatesByRank> all;
  for (const auto& rates : measure(passes)) all.push_back(fromAll(session_.group, rates));
  return all;
}

std::vector<std::size_t> ArenaSurveyor::shiftedSlots(const std::vector<std::vector<std::size_t>>& groups,
                                                     std::size_t shift) const {
  const std::size_t ahead = static_cast<std::size_t>(session_.group.place().rank) * shift;
  std::vector<std::size_t> slots;
  for (const auto& group : groups) {
    for (std::size_t i = 0; i < group.size(); ++i) slots.push_back(group[(i + ahead) % group.size()]);
  }
  return slots;
}

ArenaSurveyor::Extent ArenaSurveyor::sampleOf(std::size_t slot) const {
  const std::uint64_t bytes = session_.arena.cut().slots[slot].bytes;
  return {session_.arena.slot(slot), bytes, std::min(bytes, SAMPLE_BYTES)};
}

std::size_t ArenaSurveyor::shiftsOf(const std::vector<std::vector<std::size_t>>& groups) const {
  std::uint64_t passBytes = 0;
  for (const auto& group : groups) {
    for (const std::size_t slot : group) passBytes += REPEATS * sampleOf(slot).sampleBytes;
  }
  // Ranks take turns alone, and all wait meanwhile.
  const std::uint64_t passes = SURVEY_BYTES / std::max<std::uint64_t>(1, passBytes);
  const auto turns = static_cast<std::uint64_t>(session_.group.place().ranks);
  const std::uint64_t left = passes > turns ? passes - turns : 0;
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(left, 2, MOST_SHIFTS));
}

std::vector<std::vector<double>> ArenaSurveyor::measure(const std::vector<Pass>& passes) {
  // By pass and repeat.
  std::vector<std::vector<std::vector<double>>> readings(passes.size());
  for (int repeat = 0; repeat < REPEATS; ++repeat) {
    for (std::size_t i = 0; i < passes.size(); ++i) {
      session_.meet();
      if (passes[i].onlyRank != ALL && passes[i].onlyRank != session_.group.place().rank) continue;
      readings[i].push_back(copyAll(passes[i]));
    }
  }
  session_.meet();
  std::vector<std::vector<double>> rates(passes.size());
  for (std::size_t i = 0; i < passes.size(); ++i) {
    for (std::size_t copy = 0; !readings[i].empty() && copy < passes[i].extents.size(); ++copy) {
      std::vector<double> ofCopy;
      for (const auto& reading : readings[i]) ofCopy.push_back(reading[copy]);
      rates[i].push_back(summarise(ofCopy).median);
    }
  }
  return rates;
}

std::vector<double> ArenaSurveyor::copyAll(const Pass& pass) {
  const std::vector<Extent>& extents = pass.extents;
  Stream& stream = session_.streams[On::Copy];
  while (events_.size() < 2 * extents.size()) events_.push_back(session_.device->event(true));
  std::uint64_t enqueued = 0;
  const auto waitForDevice = [&] {
    session_.waitIdle();
    session_.watchdog.disarm();
    enqueued = 0;
  };
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (enqueued == 0) session_.watchdog.arm();
    if (pass.onlyRank == ALL) meetOnDevice();
    record(stream, *events_[2 * i]);
    copy(extents[i]);
    record(stream, *events_[2 * i + 1]);
    enqueued += chunksOf(extents[i].sampleBytes) + static_cast<std::uint64_t>(session_.group.place().ranks) + 2;
    if (enqueued >= MOST_ENQUEUED) waitForDevice();
  }
  waitForDevice();
  std::vector<double> rates;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    rates.push_back(static_cast<double>(extents[i].sampleBytes) / std::max(LEAST_S, elapsedS(*events_[2 * i], *events_[2 * i + 1])));
  }
  return rates;
}

void ArenaSurveyor::copy(const Extent& extent) {
  const std::uint64_t chunks = chunksOf(extent.sampleBytes), chunkBytes = chunkBytesOf(extent.sampleBytes);
  // A sample smaller than its slot consists of whole chunks.
  const std::uint64_t stride = extent.sampleBytes == extent.bytes
                                   ? chunkBytes
                                   : (extent.bytes - chunkBytes) / (chunks - 1) / CHUNK_ALIGNMENT * CHUNK_ALIGNMENT;
  const std::uint64_t landings = SAMPLE_BYTES / chunkBytes;
  for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
    copyToDevice(session_.streams[On::Copy], landing_->data() + chunk % landings * chunkBytes,
                 extent.data + chunk * stride, std::min(chunkBytes, extent.sampleBytes - chunk * chunkBytes));
  }
}

void ArenaSurveyor::meetOnDevice() {
  if (!staging_) return;
  Stream& stream = session_.streams[On::Copy];
  const Place& place = session_.group.place();
  ++meetings_;
  signal(stream, staging_->flag(place.rank, FLAG), {}, meetings_);
  for (int rank = 0; rank < place.ranks; ++rank) {
    if (rank != place.rank) await(stream, staging_->flag(rank, FLAG), {}, meetings_);
  }
}

}  // namespace chunkflow
