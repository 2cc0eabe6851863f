#pragma once
// The piece schedule of staged-copy: which rank writes which piece to which offset of staging, and who reads it. Offsets in bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "program/program.hpp"

namespace chunkflow {

inline std::uint32_t piecesOf(const Collective& collective) {
  return static_cast<std::uint32_t>((collective.bytesPerPeer + collective.pieceBytes - 1) / collective.pieceBytes);
}

/// Whether all peers read one and the same message.
inline bool isGather(const Collective& collective, int phase) {
  return collective.kind == CollectiveKind::AllGather || phase == 1;
}

/// Messages that a rank writes in a phase of a staged collective.
inline std::uint32_t writesOf(const Collective& collective, int phase, int groupSize) {
  return isGather(collective, phase) ? 1 : static_cast<std::uint32_t>(groupSize - 1);
}

/// One copy of a staged exchange, between a buffer on the device and a rank's half of staging.
struct StagedPiece {
  int writer;              // whose half, and whose flag
  std::uint64_t inBuffer;  // of the sending rank's source, or the reading rank's target
  std::uint64_t inHalf;
  std::size_t bytes;
  std::uint32_t ordinal;   // what the writer's flag counts once the piece is written
};

/// The part of a message that a piece is.
inline std::uint64_t pieceOffset(const Collective& collective, int piece) {
  return static_cast<std::uint64_t>(piece) * collective.pieceBytes;
}
inline std::size_t pieceSize(const Collective& collective, int piece) {
  return static_cast<std::size_t>(
      std::min(collective.pieceBytes, collective.bytesPerPeer - pieceOffset(collective, piece)));
}

/// Ordinals begin at 1, so that a flag that stands at the base has seen nothing.
inline std::uint32_t ordinalOf(std::uint32_t firstPiece, std::uint32_t number) { return firstPiece + number + 1; }

/// The `number`-th piece that a rank writes: piece by piece, peers taking turns within each.
inline StagedPiece pieceOut(const Collective& collective, int phase, int number, int rank, int groupSize,
                            std::uint32_t firstPiece) {
  const auto writes = static_cast<int>(writesOf(collective, phase, groupSize));
  const int piece = number / writes;
  const int message = number % writes;
  const int shard = isGather(collective, phase) ? rank : (rank + 1 + message) % groupSize;
  const std::uint64_t offset = pieceOffset(collective, piece);
  return {rank, static_cast<std::uint64_t>(shard) * collective.bytesPerPeer + offset,
          static_cast<std::uint64_t>(message) * collective.bytesPerPeer + offset, pieceSize(collective, piece),
          ordinalOf(firstPiece, static_cast<std::uint32_t>(number))};
}

/// The `number`-th piece that a rank reads. A mirrored rank reads what it wrote itself: its message for a peer counts as that
/// peer's message for it.
inline StagedPiece pieceIn(const Collective& collective, int phase, int number, int rank, int groupSize, bool mirrored,
                           std::uint32_t firstPiece) {
  const int peers = groupSize - 1;
  const auto writes = static_cast<int>(writesOf(collective, phase, groupSize));
  const int piece = number / peers;
  const int hop = 1 + number % peers;
  const int message = writes == 1 ? 0 : hop - 1;
  const int writer = mirrored ? rank : (rank - hop + groupSize) % groupSize;
  const int source = mirrored ? (rank + hop) % groupSize : writer;
  const std::uint64_t offset = pieceOffset(collective, piece);
  return {writer, static_cast<std::uint64_t>(source) * collective.bytesPerPeer + offset,
          static_cast<std::uint64_t>(message) * collective.bytesPerPeer + offset, pieceSize(collective, piece),
          ordinalOf(firstPiece, static_cast<std::uint32_t>(piece * writes + message))};
}

}  // namespace chunkflow
