#pragma once
// Who writes what where, and who reads it when, in one staged exchange: the protocol that the kernel of staged-sm and
// its stand-in on CPU cores have in common.
//
// Every rank has `ctas` writers and `ctas` readers. Writer c of a rank copies stripe c of each of its messages into
// staging, in slices; after each slice it raises its flag by one. Reader c of every other rank follows writer c slice
// by slice. Flags count on from one exchange to the next, so nothing is ever reset.
#include <cstddef>
#include <cstdint>

#include "random.hpp"

namespace chunkflow {

/// Flag words of a rank before those of staged-sm.
inline constexpr int FIRST_STAGED_SM_FLAG = 16;
inline constexpr int MOST_STAGED_SM_CTAS = 64;
inline constexpr int MOST_STAGED_SM_RANKS = 16;

struct StagedExchange {
  /// Small enough that readers start early, large enough that a flag's trip over the link is a few percent of the time.
  static constexpr std::uint64_t SLICE_BYTES = std::uint64_t{256} << 10;

  int rank;
  int groupSize;
  int ctas;
  bool mirrored;        // what this rank wrote for peer p stands for what p sent
  bool gather;          // one message for all peers; else one for each
  std::uint64_t bytes;  // of a message
  std::byte* source;    // gather: the message; else message p at source + p * bytes
  std::byte* target;    // what comes from peer p goes to target + p * bytes

  struct Slice {
    std::uint64_t from, bytes;
  };

  CHUNKFLOW_BOTH std::uint64_t stripeBytes() const {
    const std::uint64_t share = (bytes + ctas - 1) / ctas;
    return (share + 15) / 16 * 16;
  }
  /// Slices of a stripe: the same for all stripes, so that all flags count alike; the last ones may be short or empty.
  CHUNKFLOW_BOTH std::uint32_t slices() const {
    return static_cast<std::uint32_t>((stripeBytes() + SLICE_BYTES - 1) / SLICE_BYTES);
  }
  /// Slice `index` of stripe `cta`, as a range of a message.
  CHUNKFLOW_BOTH Slice slice(int cta, std::uint32_t index) const {
    const std::uint64_t stripeFrom = stripeBytes() * cta;
    const std::uint64_t stripeTo = stripeFrom + stripeBytes() < bytes ? stripeFrom + stripeBytes() : bytes;
    const std::uint64_t from = stripeFrom + index * SLICE_BYTES;
    if (from >= stripeTo) return {0, 0};
    return {from, stripeTo - from < SLICE_BYTES ? stripeTo - from : SLICE_BYTES};
  }

  CHUNKFLOW_BOTH int messagesWritten() const { return gather ? 1 : groupSize - 1; }
  CHUNKFLOW_BOTH int messagesRead() const { return groupSize - 1; }
  /// How much each flag grows.
  CHUNKFLOW_BOTH std::uint32_t flagCount() const { return slices() * messagesWritten(); }

  // A rank writes for the one behind it first, and so on round the circle, so that nobody is everybody's target. Whom
  // it reads from in a turn is who writes for it in that turn.
  CHUNKFLOW_BOTH int writtenFor(int turn) const { return (rank + 1 + turn) % groupSize; }
  CHUNKFLOW_BOTH int readFrom(int turn) const {
    return mirrored || gather ? (rank + 1 + turn) % groupSize : (rank + groupSize - 1 - turn) % groupSize;
  }
  /// What a reader's flag must have grown by before it may read this slice.
  CHUNKFLOW_BOTH std::uint32_t flagBefore(int turn, std::uint32_t slice) const {
    return (gather ? 0 : turn * slices()) + slice + 1;
  }

  CHUNKFLOW_BOTH const std::byte* outgoing(int peer) const { return gather ? source : source + peer * bytes; }
  CHUNKFLOW_BOTH std::byte* incoming(int peer) const { return target + peer * bytes; }
  /// Where in `writer`'s half of staging its message for `reader` lies.
  CHUNKFLOW_BOTH std::uint64_t placeInStaging(int writer, int reader) const {
    return gather ? 0 : (reader < writer ? reader : reader - 1) * bytes;
  }
  /// The same of the message that arrives as coming from `peer`.
  CHUNKFLOW_BOTH std::uint64_t placeOfIncoming(int peer) const {
    return mirrored ? placeInStaging(rank, peer) : placeInStaging(peer, rank);
  }
  /// Whose staging the message that arrives as coming from `peer` is read from.
  CHUNKFLOW_BOTH int stagedBy(int peer) const { return mirrored ? rank : peer; }
};

}  // namespace chunkflow
