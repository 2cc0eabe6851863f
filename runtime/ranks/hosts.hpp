#pragma once
// Which ranks share a host.
#include <string>
#include <vector>

namespace chunkflow {

/// A host is what has one kernel and one name: machines, and containers with names of their own, which do not share memory.
struct Hosts {
  std::vector<std::string> names;  // by host, in order of their first ranks
  std::vector<int> ofRank;         // index of each rank's host

  bool several() const { return names.size() > 1; }
  const std::string& nameOf(int rank) const {
    return names.at(static_cast<std::size_t>(ofRank.at(static_cast<std::size_t>(rank))));
  }
  /// How many ranks there are on this rank's host, itself among them.
  int ranksBeside(int rank) const;
  /// "ranks 0, 1 on a, rank 2 on b".
  std::string text() const;
};

/// The name of this host as the system says it.
std::string hostName();

/// Of this host, a line with its name and one that no other has.
std::string hostIdentity();

/// @param identities of the hosts of all ranks, in order of rank.
Hosts hostsOf(const std::vector<std::string>& identities);

}  // namespace chunkflow
