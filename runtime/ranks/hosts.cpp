#include "ranks/hosts.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace chunkflow {

int Hosts::ranksBeside(int rank) const {
  return static_cast<int>(std::count(ofRank.begin(), ofRank.end(), ofRank.at(static_cast<std::size_t>(rank))));
}

std::string Hosts::text() const {
  std::string all;
  for (std::size_t host = 0; host < names.size(); ++host) {
    std::string ranks;
    int count = 0;
    for (std::size_t rank = 0; rank < ofRank.size(); ++rank) {
      if (ofRank[rank] != static_cast<int>(host)) continue;
      ranks += (count++ == 0 ? "" : ", ") + std::to_string(rank);
    }
    all += (host == 0 ? "" : ", ") + std::string(count == 1 ? "rank " : "ranks ") + ranks + " on " + names[host];
  }
  return all;
}

std::string hostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "unknown host";
}

std::string hostIdentity() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string bootId;
  std::getline(file, bootId);
  return hostName() + "\n" + bootId;
}

Hosts hostsOf(const std::vector<std::string>& identities) {
  Hosts hosts;
  std::vector<std::string> known;
  for (const std::string& identity : identities) {
    const auto at = std::find(known.begin(), known.end(), identity);
    hosts.ofRank.push_back(static_cast<int>(at - known.begin()));
    if (at != known.end()) continue;
    known.push_back(identity);
    hosts.names.push_back(identity.substr(0, identity.find('\n')));
  }
  return hosts;
}

}  // namespace chunkflow
