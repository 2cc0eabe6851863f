#pragma once
// A program's input and output tensors with the rows of all ranks, as files hold them.
#include <string>
#include <vector>

#include "base/json.hpp"
#include "program/program.hpp"

namespace chunkflow {

struct ProgramTensor {
  const char* name;
  const char* meaning;
  const char* type;          // as safetensors names it: BF16 or F32
  std::int64_t rows, width;  // over all ranks of a group
  /// Where this program stands without a file: "random" or "computed".
  const char* otherwise;
};

/// Residual streams, then constants of the step.
std::vector<ProgramTensor> inputTensors(const Program& program);
/// Residual streams with the rows of the ranks that run: one rank's where its peers are mirrored.
std::vector<ProgramTensor> outputTensors(const Program& program);

/// Times that the blocks are applied in a step.
inline int passesOf(const Program& program) { return program.positions / program.blocksPerPass; }

/// "video [40, 512], context [16, 256]"
std::string tensorsText(const std::vector<ProgramTensor>& tensors);
/// An array of {name, shape, dtype, meaning}.
void writeTensors(JsonWriter& json, const std::vector<ProgramTensor>& tensors);

}  // namespace chunkflow
