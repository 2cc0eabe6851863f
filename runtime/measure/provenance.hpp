#pragma once
// Where and for whom a program runs, for its records: the node and the job.
#include <string>

namespace chunkflow {

/// This process's node: CHUNKFLOW_NODE where it is set, since a container's host name says nothing of its node; else Slurm's name
/// of it, else the host's.
std::string nodeName();

/// The job of Slurm that this process belongs to, as Slurm writes it: "4711", or "4700_3" for task 3 of an array; "" outside of one.
std::string slurmJob();

}  // namespace chunkflow
