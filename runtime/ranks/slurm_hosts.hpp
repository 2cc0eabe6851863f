#pragma once
#include <string>

namespace chunkflow {

/// The first host of a Slurm node list: "gpu[03-05,9],cpu1" gives "gpu03", "n[1-2]-ib[0,3]" gives "n1-ib0".
/// @throws UserError when a bracket is not closed or there is no name.
std::string firstSlurmHost(const std::string& nodeList);

}  // namespace chunkflow
