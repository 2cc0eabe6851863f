#include "measure/provenance.hpp"

#include <cstdlib>

#include "ranks/group_rendezvous.hpp"

namespace chunkflow {

namespace {

std::string variableOrEmpty(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string nodeName() {
  for (const char* name : {"CHUNKFLOW_NODE", "SLURMD_NODENAME"}) {
    const std::string value = variableOrEmpty(name);
    if (!value.empty()) return value;
  }
  return hostName();
}

std::string slurmJob() {
  const std::string array = variableOrEmpty("SLURM_ARRAY_JOB_ID"), task = variableOrEmpty("SLURM_ARRAY_TASK_ID");
  return array.empty() || task.empty() ? variableOrEmpty("SLURM_JOB_ID") : array + "_" + task;
}

}  // namespace chunkflow
