#pragma once
// The group of ranks on one host among which an attached plan carries collectives itself. The caller provides the control channel:
// a model that runs on several ranks has a process group already.
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "device/device.hpp"
#include "ranks/group.hpp"
#include "transport/transport.hpp"

namespace chunkflow {

/// Collective calls on the group that the ranks have. Each returns 0, or another value when it has failed.
struct LinkCalls {
  int (*barrier)(void* context);
  /// The bytes of rank 0 on every rank.
  int (*broadcast)(void* context, void* bytes, std::uint64_t count);
  void* context;
};

class Link {
 public:
  /// Collective. @param bytesPerRank the most bytes that one rank writes in one collective.
  Link(Device& device, const LinkCalls& calls, int rank, int ranks, std::size_t bytesPerRank);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  Staging& staging() { return *staging_; }
  /// @throws RunError when a rank has ended, detached or been still for too long. Streams that wait for it have been let go, and
  /// what they have copied since is not to be used.
  void check() const;

 private:
  void watch();
  std::atomic_ref<std::uint64_t> beatOf(int rank) const;

  int rank_, ranks_;
  /// A cache line for each rank's beat, and one for the first rank that was found to be gone, plus one; 0: none.
  std::unique_ptr<SharedMemory> beats_;
  std::unique_ptr<Staging> staging_;
  std::atomic<bool> ending_{false};
  std::thread watcher_;  // last, so that it starts with all of the above in place
};

}  // namespace chunkflow
