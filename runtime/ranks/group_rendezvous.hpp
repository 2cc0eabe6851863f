#pragma once
// How the processes of a run find each other: rank 0 listens, the others connect and say who they are, and nobody
// starts before all have been found to belong together.
#include <string>
#include <vector>

#include "ranks/group.hpp"
#include "ranks/sockets.hpp"

namespace chunkflow {

/// What the frames between processes mean. `tag` is the Meeting of Bring and Result, and of Reject whether it is the
/// user's mistake (1) or not (0).
enum class Say : std::uint32_t { Hello = 1, Known, OtherJob, Welcome, Reject, Bring, Result, Fail, Bye };

/// Who this process is by its environment.
struct Membership {
  int rank = 0;
  int worldSize = 1;
  int localRank = 0;
  std::string host;        // of rank 0
  std::vector<int> ports;  // rank 0 takes the first that is free; the others look for it in this order
  std::string job;         // tells the jobs of one host apart, where their ports could meet
  std::string worldSizeVariable = "WORLD_SIZE";
  /// Why this rank cannot take part. It still looks for the others for a moment, so that all of them end with this
  /// line.
  std::string complaint;
};

/// @returns on rank 0 one connection per rank (its own is empty), elsewhere the one to rank 0.
/// @throws UserError when ranks do not belong together, on every rank that has come; RunError when some do not come in
/// time.
std::vector<Connection> meet(const Membership& membership, const GroupOptions& options);

/// The name of this host as the system says it.
std::string hostName();

}  // namespace chunkflow
