// The statements of staged-copy.
#include "base/error.hpp"
#include "plan/rank_impl.hpp"
#include "plan/staged_pieces.hpp"
#include "program/rank.hpp"

namespace chunkflow {

std::uint32_t Rank::Impl::writesOf(const Collective& collective, int phase) const {
  return chunkflow::writesOf(collective, phase, program.groupSize);
}

void Rank::stagedBegin(const Collective& collective) {
  Impl& r = impl_;
  const int statement = r.statement++;
  const int phases = collective.kind == CollectiveKind::AllReduce ? 2 : 1;
  if (r.mode == StepMode::Rehearse) return;
  if (r.mode == StepMode::Run && (r.staging == nullptr || r.staging->bytesPerRank() <
                                                              r.writesOf(collective, 0) * collective.bytesPerPeer)) {
    throw RunError(std::string("plan ") + r.plan.name + ": collective " + collective.name +
                   " does not fit the plan's staging memory; generate the program again");
  }
  for (int phase = 0; phase < phases; ++phase) {
    r.phases[phase] = {r.exchange++, r.pieces};
    r.pieces += piecesOf(collective) * r.writesOf(collective, phase);
  }
  if (r.mode == StepMode::Count) {
    ++r.shape.intervals;
    r.shape.pieces = r.pieces;
    r.shape.exchanges = r.exchange;
    return;
  }
  r.interval(On::Collective, statement, 0, [] {});
}

void Rank::stageOut(const Collective& collective, const PieceRange& pieces) {
  Impl& r = impl_;
  const auto [phase, first, count] = pieces;
  const int statement = r.statement++;
  if (r.mode == StepMode::Count) r.shape.intervals += static_cast<std::size_t>(count);
  if (r.mode != StepMode::Run) return;
  const auto [exchange, firstPiece] = r.phases[phase];
  const bool fromSend = collective.kind == CollectiveKind::AllToAll;
  const std::byte* source = r.memory->activations() + (fromSend ? collective.send : collective.recv);
  Stream& stream = r.stream(On::StageOut);
  for (int number = first; number < first + count; ++number) {
    const StagedPiece piece = pieceOut(collective, phase, number, r.groupRank, r.program.groupSize, firstPiece);
    std::byte* to = r.staging->outgoing(r.groupRank, exchange) + piece.inHalf;
    r.interval(On::StageOut, statement, number,
               [&] { copyToHost(stream, to, source + piece.inBuffer, piece.bytes); });
    signal(stream, r.staging->flag(r.groupRank, 0), r.base, piece.ordinal);
  }
}

void Rank::stageIn(On on, const Collective& collective, const PieceRange& pieces) {
  Impl& r = impl_;
  const auto [phase, first, count] = pieces;
  const int statement = r.statement++;
  if (r.mode == StepMode::Count) r.shape.intervals += static_cast<std::size_t>(count);
  if (r.mode != StepMode::Run) return;
  const auto [exchange, firstPiece] = r.phases[phase];
  const bool toScratch = collective.kind == CollectiveKind::AllReduce && phase == 0;
  std::byte* target = r.memory->activations() + (toScratch ? collective.send : collective.recv);
  Stream& stream = r.stream(on);
  for (int number = first; number < first + count; ++number) {
    const StagedPiece piece =
        pieceIn(collective, phase, number, r.groupRank, r.program.groupSize, r.program.mirrored, firstPiece);
    await(stream, r.staging->flag(piece.writer, 0), r.base, piece.ordinal);
    const std::byte* from = r.staging->outgoing(piece.writer, exchange) + piece.inHalf;
    r.interval(on, statement, number, [&] { copyToDevice(stream, target + piece.inBuffer, from, piece.bytes); });
  }
}

void Rank::reduce(const Collective& collective) {
  Impl& r = impl_;
  const int statement = r.statement++;
  if (r.mode == StepMode::Count) ++r.shape.intervals;
  if (r.mode != StepMode::Run) return;
  const auto shard = [&](std::uint64_t buffer, int of) {
    return reinterpret_cast<bf16*>(r.memory->activations() + buffer +
                                   static_cast<std::uint64_t>(of) * collective.bytesPerPeer);
  };
  std::vector<const bf16*> parts;
  for (int source = 0; source < r.program.groupSize; ++source) {
    parts.push_back(shard(source == r.groupRank ? collective.recv : collective.send, source));
  }
  r.interval(On::Collective, statement, 0, [&] {
    sumParts(r.stream(On::Collective), static_cast<std::int64_t>(collective.bytesPerPeer / sizeof(bf16)), parts.data(),
             static_cast<int>(parts.size()), shard(collective.recv, r.groupRank));
  });
}

void Rank::stagedEnd(const Collective&) {
  Impl& r = impl_;
  const int statement = r.statement++;
  if (r.mode == StepMode::Count) ++r.shape.intervals;
  if (r.mode != StepMode::Run) return;
  r.interval(On::Collective, statement, 0, [] {});
}

}  // namespace chunkflow
