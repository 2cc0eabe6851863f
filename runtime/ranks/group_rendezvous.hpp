#pragma once
// How the processes of a run find each other: rank 0 listens, the others connect, prove that they know the job's secret, and
// say who they are; nobody starts before all have been found to belong together.
#include <string>
#include <vector>

#include "ranks/group.hpp"
#include "ranks/sockets.hpp"

namespace chunkflow {

/// Who this process is by its environment.
struct Membership {
  int rank = 0;
  int worldSize = 1;
  int localRank = 0;
  std::string host;        // of rank 0
  bool oneHost = false;    // whoever started the ranks says that they all are on this one
  std::vector<int> ports;  // rank 0 takes the first that is free; the others look for it in this order
  std::string listenAt;    // where rank 0 listens; "": on all interfaces
  std::string connectFrom;  // where the others connect from; "": whichever address
  std::string secret;      // "": none, where all ranks are on the loopback interface
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

}  // namespace chunkflow
