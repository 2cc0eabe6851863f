#pragma once
// Who writes what where, and who reads it when, in one staged exchange: the protocol that the kernel of staged-sm and
// its stand-in on CPU cores have in common.
//
// Every rank has `ctas` writers and `ctas` readers. Writer c of a rank copies stripe c of each of its messages into
// staging, in slices; after each slice it raises its flag by one. Reader c of every other rank follows writer c slice
// by slice. Flags count on from one exchange to the next, so nothing is ever reset.
//
// Staging either holds whole messages, in two halves that exchanges take in turn, or a ring of a few slices for each writer,
// small enough to stay in the CPU's last-level cache: then bytes need not go to host memory and back. Writers of a ring wait
// until every reader of the slice that a place held has raised its own flag for that writer.
#include <cstddef>
#include <cstdint>

#include "base/random.hpp"

namespace chunkflow {

/// Flag words of a rank before those of staged-sm.
inline constexpr int FIRST_STAGED_SM_FLAG = 16;
inline constexpr int MOST_STAGED_SM_CTAS = 64;
inline constexpr int MOST_STAGED_SM_RANKS = 16;
/// Slices of a writer's ring.
inline constexpr int MOST_STAGED_SM_RING = 32;
/// Flag words of a rank from FIRST_STAGED_SM_FLAG on: one for each of its writers, then one for each of its readers and ranks.
inline constexpr int STAGED_SM_FLAGS = MOST_STAGED_SM_CTAS * (1 + MOST_STAGED_SM_RANKS);
/// Of the flag of reader `cta` for what it has read of a rank's writer.
CHUNKFLOW_BOTH constexpr int readFlag(int cta, int writer) {
  return MOST_STAGED_SM_CTAS + cta * MOST_STAGED_SM_RANKS + writer;
}

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
  std::uint32_t ring;   // slices that staging holds of a writer at a time, a power of two; 0: whole messages

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

  /// One slice of a message that a reader copies.
  struct Reading {
    int turn;
    std::uint32_t slice;
    bool isLast;  // of those of this slice's place in staging
  };
  CHUNKFLOW_BOTH std::uint32_t readings() const { return slices() * messagesRead(); }
  /// A reader's `number`-th slice: message by message; in a gather from rings, slice by slice of all messages, since there
  /// every writer waits for all readers, and readers of whole messages would wait for each other's writers in a circle. A
  /// mirrored rank reads the same slice for each of its peers.
  CHUNKFLOW_BOTH Reading reading(std::uint32_t number) const {
    if (ring > 0 && gather) {
      const int turn = static_cast<int>(number % messagesRead());
      return {turn, number / messagesRead(), !mirrored || turn + 1 == messagesRead()};
    }
    return {static_cast<int>(number / slices()), number % slices(), true};
  }
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

  // Of a ring. Counts are those that flags had before this exchange: `written` of writers' flags, `read` of readers'.

  /// Where in its rank's staging a writer's slice lies, by what its flag counts once it is written.
  CHUNKFLOW_BOTH std::uint64_t placeInRing(int cta, std::uint32_t flag) const {
    return (static_cast<std::uint64_t>(cta) * ring + (flag - 1) % ring) * SLICE_BYTES;
  }
  /// How much each reader's flag grows.
  CHUNKFLOW_BOTH std::uint32_t readCount() const { return mirrored ? flagCount() : slices(); }
  /// What a reader's flag counts once it has read this slice.
  CHUNKFLOW_BOTH std::uint32_t flagBehind(std::uint32_t read, int turn, std::uint32_t slice) const {
    return read + (mirrored && !gather ? turn * slices() : 0) + slice + 1;
  }
  /// Ranks whose readers must be through with a slice before its place is written to again: `first` and those behind it.
  struct Readers {
    int first, count;
    std::uint32_t flag;  // what their flags must have come to
  };
  /// Of the slice that a writer's `number`-th of this exchange, from 0, takes the place of; it is at least `ring`.
  CHUNKFLOW_BOTH Readers readersBefore(std::uint32_t read, std::uint32_t number) const {
    const std::uint32_t before = number - ring;
    const int turn = gather ? 0 : static_cast<int>(before / slices());
    const std::uint32_t slice = gather ? before : before % slices();
    const std::uint32_t flag = flagBehind(read, turn, slice);
    if (mirrored) return {rank, 1, flag};
    return gather ? Readers{(rank + 1) % groupSize, groupSize - 1, flag} : Readers{writtenFor(turn), 1, flag};
  }
  /// Of everything that earlier exchanges have left in the ring.
  CHUNKFLOW_BOTH Readers readersOfAll(std::uint32_t read) const {
    return mirrored ? Readers{rank, 1, read} : Readers{(rank + 1) % groupSize, groupSize - 1, read};
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
