#include "ranks/slurm_hosts.hpp"

#include "base/error.hpp"

namespace chunkflow {

std::string firstSlurmHost(const std::string& nodeList) {
  const UserError unreadable(
      "SLURM_JOB_NODELIST is \"" + nodeList +
      "\"; expected hosts such as gpu1,gpu2 or gpu[3-5,9]; set MASTER_ADDR and torchrun's variables instead");
  std::string host;
  for (std::size_t at = 0; at < nodeList.size() && nodeList[at] != ',';) {
    if (nodeList[at] != '[') {
      host += nodeList[at++];
      continue;
    }
    const std::size_t close = nodeList.find(']', at);
    const std::size_t end = nodeList.find_first_of("-,]", at);
    if (close == std::string::npos || end == at + 1) throw unreadable;
    host += nodeList.substr(at + 1, end - at - 1);
    at = close + 1;
  }
  if (host.empty() || host.find(']') != std::string::npos) throw unreadable;
  return host;
}

}  // namespace chunkflow
