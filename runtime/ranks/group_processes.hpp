#pragma once
// The ranks of a run as processes, in a star around rank 0.
#include <memory>
#include <vector>

#include "ranks/group.hpp"
#include "ranks/sockets.hpp"

namespace chunkflow {

/// Collective. @param place but for its hosts, which the ranks tell each other. @param connections as `meet` returns them.
std::unique_ptr<Group> connectedGroup(const Place& place, std::vector<Connection> connections, double timeLimitS);

}  // namespace chunkflow
