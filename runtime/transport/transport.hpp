#pragma once
// The transport interface: collectives on a stream, over NCCL or pinned staging memory. `run` only enqueues.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "device/device.hpp"
#include "ranks/group.hpp"
#include "transport/collective_kind.hpp"

namespace chunkflow {

/// One collective call. Buffers are device memory.
///
/// all-to-all: message to peer p is `bytesPerPeer` at send + p * bytesPerPeer; the one from peer p arrives at
///   recv + p * bytesPerPeer. The own message is not moved (whoever packs puts it where it belongs).
/// all-gather: the own shard of `bytesPerPeer` lies at recv + rank * bytesPerPeer already; peer p's arrives at
///   recv + p * bytesPerPeer. `send` is not used.
/// all-reduce: the buffer of groupSize * bytesPerPeer at recv is summed in place over the ranks (bf16, float sums rounded
///   once, in order of rank, the same bits on every rank, whatever the staged transport; NCCL as NCCL does it). `send` is
///   scratch of the same size.
struct CollectiveCall {
  CollectiveKind kind;
  std::byte* send;
  std::byte* recv;
  std::size_t bytesPerPeer;
};

/// Pinned bounce buffers of the staged transports, shared by the ranks of one host: for each rank two halves (double buffering: even
/// and odd collectives, so that a writer never overwrites what the collective before is still read from) and flags. Page-locked by
/// every process that uses it.
class Staging {
 public:
  /// Collective. @param bytesPerRank the most bytes that one rank writes in one collective.
  Staging(Device& device, Group& group, std::size_t bytesPerRank);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  /// Where `rank`'s outgoing bytes of a collective with this number lie, seen from this process.
  std::byte* outgoing(int rank, std::uint32_t collective) const;
  std::size_t bytesPerRank() const;
  /// 1,024 flag words of a rank; words 0 to 15 belong to staged-copy, the rest to staged-sm. Each has a cache line of its own:
  /// flag(rank, i) is at stride 64 bytes.
  std::uint32_t* flag(int rank, int index) const;
  /// A word that is 0 while all is well; kernels that wait look at it and give up when it is not.
  std::uint32_t* abortWord() const;
  /// Pinned bytes that it holds in this process.
  std::size_t pinnedBytes() const;
  /// Not collective: lets every wait of this host end (abort word, and all flags far ahead), for a run that has failed.
  void release();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Enqueues one collective on a stream. Ranks call it in the same order. Works while the stream is being captured.
  virtual void run(Stream& stream, const CollectiveCall& call) = 0;
  /// "" while all is well, else what the library reports (ncclCommGetAsyncError); any thread, never blocks.
  virtual std::string error() { return ""; }
  /// Aborts: releases every wait of this rank's collectives. Any thread.
  virtual void abort() {}
  virtual std::string version() const { return ""; }
};

/// Collectives as NCCL chooses to do them, on one host or between hosts; on the host backend messages through the group, which
/// outlives the transport. Collective call. @throws UserError where peers are mirrored.
std::unique_ptr<Transport> ncclTransport(Device&, Group&);

/// Our own kernel: `ctas` thread blocks write to staging, as many read from it. Staging holds a `ring` of 2, 4, 8, 16 or 32
/// slices for each of them, or whole messages (0).
std::unique_ptr<Transport> stagedSmTransport(Device&, Group&, Staging&, int ctas, int ring);

/// NCCL's version as linked, such as "2.28.3"; "" on the host backend.
std::string ncclVersion();

}  // namespace chunkflow
