// Checks of a plan's outputs and memory: every plan must give the same bits, eagerly and as a graph, with the right weights.
#include <algorithm>

#include "measure/measure.hpp"
#include "ranks/agree.hpp"

namespace chunkflow {

void Measurement::check(int plan) {
  note("checking plan " + std::to_string(plan) + " (" + planAt(plan).name + ")");
  activate(plan);
  active_->rehearse();
  active_->restart();
  const int steps = stepsToOutputs(session_.options);
  const StepTimes times = active_->eager(0, steps);
  estimateS_[plan] = fromFirst(session_.group, chunkflow::summarise(times.stepS).median);
  const OutputFacts output = gatherOutputs("eager", steps);
  if (!session_.options.saveOutputs.empty()) {
    const std::string file = active_->saveOutputs(session_.options.saveOutputs, steps);
    note("saved " + file + ": " + tensorsText(outputTensors(session_.program)) + " behind " +
         std::to_string(steps * passesOf(session_.program)) + " forward passes of the blocks");
  }
  writeMemory();
  writeOutput(output);
  const auto first = std::find_if(outputs_.begin(), outputs_.end(), [&](const auto& other) {
    return planAt(other.first).carrier == planAt(plan).carrier;
  });
  if (first != outputs_.end() && !sameOutput(first->second, output)) {
    problem(std::string("plan ") + planAt(plan).name + " computes something else than plan " +
            planAt(first->first).name);
  }
  outputs_[plan] = output;
  if (session_.options.verify) checkWeights();
  if (session_.options.graph) checkGraph(output);
  session_.meet();
}

OutputFacts Measurement::gatherOutputs(const char* mode, int steps) {
  session_.meet();
  return {{active_->index, mode}, steps, fromAll(session_.group, active_->outputs())};
}

void Measurement::writeOutput(const OutputFacts& facts) {
  if (records_ != nullptr) records_->write(outputLine(session_.program, facts));
  if (!facts.finite()) problem(std::string("plan ") + active_->plan.name + " computes numbers that are not finite");
}

void Measurement::writeMemory() {
  const MemoryUse use = session_.device->memory();
  const std::size_t own = use.deviceUsedBytes - std::min(use.deviceUsedBytes, use.deviceUsedBeforeBytes);
  const bool isHost = std::string_view(backendName()) == "host";
  usedBytes_[active_->index] = isHost ? use.peakAllocatedBytes : own;
  if (records_ == nullptr) return;
  records_->write(memoryLine(session_.program, active_->index,
                             {use.peakAllocatedBytes, own, session_.contextBytes(), active_->pinnedBytes()}));
}

void Measurement::checkWeights() {
  active_->restart();
  Verdict all;
  struct Finding {
    std::uint64_t chunks, wrong;
    WrongChunk first;
  };
  const Verdict own = active_->verify();
  const Finding finding{own.chunks, own.wrong, own.first.value_or(WrongChunk{})};
  for (const auto& findings : fromAll(session_.group, std::vector<Finding>{finding})) {
    const Finding& other = findings.at(0);
    all.chunks += other.chunks;
    all.wrong += other.wrong;
    if (other.wrong > 0 && !all.first) all.first = other.first;
  }
  if (records_ != nullptr) records_->write(verifyLine(active_->index, all));
  if (all.wrong > 0) {
    problem(std::string("plan ") + active_->plan.name + " computes with weights that have not arrived: " +
            std::to_string(all.wrong) + " of " + std::to_string(all.chunks) + " pieces were wrong");
  }
}

void Measurement::checkGraph(const OutputFacts& eager) {
  if (!active_->capturable()) {
    note(std::string("plan ") + active_->plan.name + " copies from pageable memory, so it is not measured as a graph");
    return;
  }
  const int wanted = stepsToOutputs(session_.options);
  const int launches = (wanted + active_->graphSteps() - 1) / active_->graphSteps();
  const int steps = launches * active_->graphSteps();
  OutputFacts expected = eager;
  if (steps != wanted) {
    active_->restart();
    active_->eager(0, steps);
    expected = gatherOutputs("eager", steps);
    writeOutput(expected);
  }
  active_->restart();
  active_->graph(0, launches);
  const OutputFacts output = gatherOutputs("graph", steps);
  writeOutput(output);
  if (!sameOutput(expected, output)) {
    problem(std::string("plan ") + active_->plan.name + " computes something else as a graph");
  }
}

}  // namespace chunkflow
