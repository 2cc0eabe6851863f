// Collectives made of copies: who writes which piece where, and who reads it.
#include <algorithm>

#include "error.hpp"
#include "rank.hpp"
#include "rank_impl.hpp"

namespace chunkflow {

namespace {

std::uint32_t piecesOf(const Collective& collective) {
  return static_cast<std::uint32_t>((collective.bytesPerPeer + collective.pieceBytes - 1) / collective.pieceBytes);
}

/// Whether all peers read one and the same message.
bool isGather(const Collective& collective, int phase) {
  return collective.kind == CollectiveKind::AllGather || phase == 1;
}

/// A piece of a message: where in the message, and how long.
struct Piece {
  std::uint64_t offset;
  std::size_t bytes;
};

Piece pieceOf(const Collective& collective, int piece) {
  const std::uint64_t offset = static_cast<std::uint64_t>(piece) * collective.pieceBytes;
  return {offset, static_cast<std::size_t>(std::min(collective.pieceBytes, collective.bytesPerPeer - offset))};
}

/// Ordinals begin at 1, so that a flag that stands at the base has seen nothing.
std::uint32_t ordinalOf(std::uint32_t firstPiece, std::uint32_t number) { return firstPiece + number + 1; }

}  // namespace

std::uint32_t Rank::Impl::writesOf(const Collective& collective, int phase) const {
  return isGather(collective, phase) ? 1 : static_cast<std::uint32_t>(program.groupSize - 1);
}

void Rank::stagedBegin(int statement, const Collective& collective) {
  Impl& r = *impl_;
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

void Rank::stageOut(int statement, const Collective& collective, int phase, int first, int count) {
  Impl& r = *impl_;
  if (r.mode == StepMode::Count) r.shape.intervals += static_cast<std::size_t>(count);
  if (r.mode != StepMode::Run) return;
  const int size = r.program.groupSize;
  const auto writes = static_cast<int>(r.writesOf(collective, phase));
  const auto [exchange, firstPiece] = r.phases[phase];
  const bool fromSend = collective.kind == CollectiveKind::AllToAll;
  const std::byte* source = r.memory->activations() + (fromSend ? collective.send : collective.recv);
  Stream& stream = r.stream(On::StageOut);
  for (int number = first; number < first + count; ++number) {
    const Piece piece = pieceOf(collective, number / writes);
    const int message = number % writes;
    const int shard = isGather(collective, phase) ? r.groupRank : (r.groupRank + 1 + message) % size;
    std::byte* to = r.staging->outgoing(r.groupRank, exchange) +
                    static_cast<std::uint64_t>(message) * collective.bytesPerPeer + piece.offset;
    r.interval(On::StageOut, statement, number, [&] {
      copyToHost(stream, to, source + static_cast<std::uint64_t>(shard) * collective.bytesPerPeer + piece.offset,
                 piece.bytes);
    });
    signal(stream, r.staging->flag(r.groupRank, 0), r.base, ordinalOf(firstPiece, static_cast<std::uint32_t>(number)));
  }
}

void Rank::stageIn(On on, int statement, const Collective& collective, int phase, int first, int count) {
  Impl& r = *impl_;
  if (r.mode == StepMode::Count) r.shape.intervals += static_cast<std::size_t>(count);
  if (r.mode != StepMode::Run) return;
  const int size = r.program.groupSize;
  const int peers = size - 1;
  const auto writes = static_cast<int>(r.writesOf(collective, phase));
  const auto [exchange, firstPiece] = r.phases[phase];
  const bool toScratch = collective.kind == CollectiveKind::AllReduce && phase == 0;
  std::byte* target = r.memory->activations() + (toScratch ? collective.send : collective.recv);
  Stream& stream = r.stream(on);
  for (int number = first; number < first + count; ++number) {
    const Piece piece = pieceOf(collective, number / peers);
    const int hop = 1 + number % peers;
    const int message = writes == 1 ? 0 : hop - 1;
    // A mirrored rank reads what it wrote itself: its message for a peer counts as that peer's message for it.
    const int writer = r.program.mirrored ? r.groupRank : (r.groupRank - hop + size) % size;
    const int source = r.program.mirrored ? (r.groupRank + hop) % size : writer;
    const int inWriter = number / peers * writes + message;
    await(stream, r.staging->flag(writer, 0), r.base, ordinalOf(firstPiece, static_cast<std::uint32_t>(inWriter)));
    const std::byte* from = r.staging->outgoing(writer, exchange) +
                            static_cast<std::uint64_t>(message) * collective.bytesPerPeer + piece.offset;
    r.interval(on, statement, number, [&] {
      copyToDevice(stream, target + static_cast<std::uint64_t>(source) * collective.bytesPerPeer + piece.offset, from,
                   piece.bytes);
    });
  }
}

void Rank::reduce(int statement, const Collective& collective) {
  Impl& r = *impl_;
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

void Rank::stagedEnd(int statement, const Collective&) {
  Impl& r = *impl_;
  if (r.mode == StepMode::Count) ++r.shape.intervals;
  if (r.mode != StepMode::Run) return;
  r.interval(On::Collective, statement, 0, [] {});
}

}  // namespace chunkflow
