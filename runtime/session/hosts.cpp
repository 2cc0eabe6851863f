#include "session/hosts.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "program/carrier_text.hpp"

namespace chunkflow {
namespace {

/// The plans that a run makes use of: those of its cases in a calibration program.
std::vector<int> plansInUse(const Program& program, const Options& options) {
  if (program.cases.empty()) return options.plans;
  std::vector<int> plans;
  for (const int index : options.cases) plans.push_back(program.cases[static_cast<std::size_t>(index)].plan);
  return plans;
}

/// Names of the plans that work between hosts, with their numbers.
std::string plansBetweenHosts(const Program& program) {
  std::string names;
  for (std::size_t i = 0; i < program.plans.size(); ++i) {
    if (stagesItself(program.plans[i].carrier)) continue;
    names += (names.empty() ? "" : ", ") + std::to_string(i) + " (" + program.plans[i].name + ")";
  }
  return names.empty() ? "none of this program's; generate it with a transport of NCCL's" : names;
}

}  // namespace

void checkHosts(const Program& program, const Options& options, const Hosts& hosts) {
  if (!hosts.several()) return;
  for (const int index : plansInUse(program, options)) {
    const PlanProgram& plan = program.plans[static_cast<std::size_t>(index)];
    if (!stagesItself(plan.carrier)) continue;
    throw UserError("plan " + std::string(plan.name) + ": " + carrierText(plan.carrier) +
                    " stages in memory that all ranks share, which needs one host; there are " + hosts.text() +
                    "; plans that work between hosts (--plans): " + plansBetweenHosts(program));
  }
  if (options.surveyArena) {
    throw UserError("--survey-arena: copies of all ranks begin by flags in memory that they share, which needs one host; there are " +
                    hosts.text() + "; leave it out");
  }
}

}  // namespace chunkflow
