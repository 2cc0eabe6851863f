#pragma once
// What ranks on several hosts can run.
#include "program/program.hpp"
#include "ranks/group.hpp"
#include "session/options.hpp"

namespace chunkflow {

/// Not collective, and the same on every rank. @throws UserError for plans whose collectives are staged in shared host
/// memory, and for a survey of the arenas, where the ranks are not on one host.
void checkHosts(const Program& program, const Options& options, const Hosts& hosts);

}  // namespace chunkflow
