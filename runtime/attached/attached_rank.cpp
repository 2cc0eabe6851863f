#include "attached/attached_rank.hpp"

#include <string>
#include <utility>

#include "base/error.hpp"
#include "plan/staged_pieces.hpp"

namespace chunkflow {

namespace {

bool isOfTheWorker(On stream) { return stream == On::Copy || stream == On::StageOut || stream == On::StageIn; }

[[noreturn]] void notAttached(const char* statement) {
  throw RunError(std::string("an attached model does this by itself: ") + statement + "; generate the library again");
}

}  // namespace

std::size_t Rank::Impl::pointIndex(int ofPosition, int point) const {
  if (ofPosition < 0 || ofPosition >= program.positions || point < 0 || point >= plan.points) {
    throw RunError("there is no point " + std::to_string(point) + " of block " + std::to_string(ofPosition));
  }
  return static_cast<std::size_t>(ofPosition) * static_cast<std::size_t>(plan.points) + static_cast<std::size_t>(point);
}

void Rank::Impl::makeEvents(Device& device) {
  const std::size_t count = static_cast<std::size_t>(program.positions) * static_cast<std::size_t>(plan.points);
  for (int parity = 0; parity < 2; ++parity) {
    events[parity].resize(count);
    for (auto& event : events[parity]) event = device.event(false);
    marks[parity].assign(count, Mark{});
  }
}

void Rank::Impl::forgetMarks() {
  for (auto& ofParity : marks) ofParity.assign(ofParity.size(), Mark{});
}

void Rank::Impl::copy(const Prefetch& prefetch, std::int64_t toStep) {
  const auto [from, to] = prefetch.bytes;
  const int block = prefetch.target.position;
  std::byte* device = memory->weights(block, physicalSlot(plan, prefetch.target.slot, toStep));
  batch.push_back({.kind = CopyCommand::Kind::ToDevice,
                   .to = device + from,
                   .from = store->at(block, from),
                   .bytes = to - from,
                   .chunkBytes = prefetch.chunkBytes,
                   .paceS = prefetch.paceS});
}

void Rank::Impl::submit() {
  if (batch.empty()) return;
  worker->submit(std::exchange(batch, {}));
}

void Rank::block(int position) { impl_.position = position; }

void Rank::mark(On stream, int point) {
  Impl& r = impl_;
  if (r.listed != nullptr) return;
  const std::size_t index = r.pointIndex(r.position, point);
  const auto parity = static_cast<std::size_t>(r.step & 1);
  Event& event = *r.events[parity][index];
  if (isOfTheWorker(stream)) {
    r.batch.push_back({.kind = CopyCommand::Kind::Record, .stream = stream, .event = &event});
    r.marks[parity][index] = {r.step, stream, r.worker->next()};
  } else {
    record(*r.compute, event);
    r.marks[parity][index] = {r.step, On::Compute, 0};
  }
}

void Rank::after(On stream, int point) { after(stream, point, {.position = impl_.position}); }

void Rank::after(On stream, int point, const PointOf& of) {
  Impl& r = impl_;
  if (r.listed != nullptr) return;
  const std::int64_t step = r.step - of.stepsAgo;
  if (r.placeOf(step, of.position) < r.joinedAt) return;
  const std::size_t index = r.pointIndex(of.position, point);
  const auto parity = static_cast<std::size_t>(step & 1);
  const Impl::Mark& mark = r.marks[parity][index];
  if (mark.step != step) {
    throw RunError("block " + std::to_string(r.position) + " waits for point " + std::to_string(point) + " of block " +
                   std::to_string(of.position) + ", which has not been passed; this is a bug of the schedule");
  }
  Event& event = *r.events[parity][index];
  // No wait within one stream.
  if (mark.stream == (isOfTheWorker(stream) ? stream : On::Compute)) return;
  if (isOfTheWorker(stream)) {
    r.batch.push_back({.kind = CopyCommand::Kind::Wait, .stream = stream, .event = &event});
    return;
  }
  // cudaStreamWaitEvent waits for the latest record, so the worker must have enqueued that record first.
  if (mark.batch == r.worker->next()) r.submit();
  r.worker->waitUntilEnqueued(mark.batch);
  wait(*r.compute, event);
}

void Rank::prefetch(const Prefetch& prefetch) {
  Impl& r = impl_;
  const PlannedCopy planned{r.position, prefetch};
  if (r.listed != nullptr) {
    r.listed->push_back(planned);
  } else {
    r.copy(prefetch, r.step + prefetch.target.stepsAhead);
  }
}

void Rank::run(const Segment&) { notAttached("compute"); }
void Rank::collective(const Collective&) { notAttached("a collective"); }
void Rank::prefetchPageable(const Target&, const ByteRange&) { notAttached("a copy from pageable memory"); }
void Rank::launchWindow(const LaunchWindow&) { notAttached("a launch"); }
void Rank::reduce(const Collective&) { notAttached("a sum over ranks"); }

void Rank::stagedBegin(const Collective& collective) {
  Impl& r = impl_;
  if (r.exchange == nullptr) return;
  if (r.exchange->bytesPerPeer != collective.bytesPerPeer) {
    throw UserError(std::string(collective.name) + " of block " + std::to_string(r.position) + ": the plan has " +
                    std::to_string(collective.bytesPerPeer) + " bytes for each peer, the model sends " +
                    std::to_string(r.exchange->bytesPerPeer) + "; profile and plan it at this size");
  }
  r.running = r.exchanges++;
  r.firstPiece = r.pieces;
  r.pieces += piecesOf(collective) * writesOf(collective, 0, r.program.groupSize);
}

void Rank::stageOut(const Collective& collective, const PieceRange& pieces) {
  Impl& r = impl_;
  const auto [phase, first, count] = pieces;
  if (r.exchange == nullptr) return;
  for (int number = first; number < first + count; ++number) {
    const StagedPiece piece = pieceOut(collective, phase, number, r.groupRank, r.program.groupSize, r.firstPiece);
    // An all-gather's own shard is not at a place of its own in a buffer of all shards.
    const std::uint64_t shard = isGather(collective, phase) ? r.groupRank * collective.bytesPerPeer : 0;
    r.batch.push_back({.kind = CopyCommand::Kind::ToHost,
                       .stream = On::StageOut,
                       .to = r.staging->outgoing(r.groupRank, r.running) + piece.inHalf,
                       .from = r.exchange->send + (piece.inBuffer - shard),
                       .bytes = piece.bytes});
    r.batch.push_back({.kind = CopyCommand::Kind::Signal,
                       .stream = On::StageOut,
                       .flag = r.staging->flag(r.groupRank, 0),
                       .ordinal = piece.ordinal});
  }
}

void Rank::stageIn(On on, const Collective& collective, const PieceRange& pieces) {
  Impl& r = impl_;
  const auto [phase, first, count] = pieces;
  if (r.exchange == nullptr) return;
  for (int number = first; number < first + count; ++number) {
    const StagedPiece piece =
        pieceIn(collective, phase, number, r.groupRank, r.program.groupSize, false, r.firstPiece);
    r.batch.push_back({.kind = CopyCommand::Kind::Await,
                       .stream = on,
                       .flag = r.staging->flag(piece.writer, 0),
                       .ordinal = piece.ordinal});
    r.batch.push_back({.kind = CopyCommand::Kind::ToDevice,
                       .stream = on,
                       .to = r.exchange->recv + piece.inBuffer,
                       .from = r.staging->outgoing(piece.writer, r.running) + piece.inHalf,
                       .bytes = piece.bytes});
  }
}

void Rank::stagedEnd(const Collective&) {}

}  // namespace chunkflow
