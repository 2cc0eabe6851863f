#include "weights/program_tensors.hpp"

#include <algorithm>

#include "weights/safetensors.hpp"

namespace chunkflow {

std::vector<ProgramTensor> inputTensors(const Program& program) {
  const auto whole = [&](std::int64_t rows, bool sharded) { return sharded ? rows * program.groupSize : rows; };
  std::vector<ProgramTensor> tensors;
  for (const Residual& residual : program.residuals) {
    tensors.push_back({residual.name, residual.meaning, "BF16", whole(residual.rows, residual.sharded), residual.width,
                       "random"});
  }
  for (const Input& input : program.inputs) {
    tensors.push_back({input.name, input.meaning, input.rotary ? "F32" : "BF16", whole(input.rows, input.sharded),
                       input.width, input.rotary ? "computed" : "random"});
  }
  return tensors;
}

std::vector<ProgramTensor> outputTensors(const Program& program) {
  const int sharers = std::min(program.ranks, program.groupSize);
  std::vector<ProgramTensor> tensors;
  for (const Residual& residual : program.residuals) {
    tensors.push_back({residual.name, residual.meaning, "BF16",
                       residual.sharded ? residual.rows * sharers : residual.rows, residual.width, "computed"});
  }
  return tensors;
}

std::string tensorsText(const std::vector<ProgramTensor>& tensors) {
  std::string text;
  for (const ProgramTensor& tensor : tensors) {
    text += (text.empty() ? "" : ", ") + std::string(tensor.name) + " " + shapeText({tensor.rows, tensor.width});
  }
  return text.empty() ? "none" : text;
}

void writeTensors(JsonWriter& json, const std::vector<ProgramTensor>& tensors) {
  json.beginArray();
  for (const ProgramTensor& tensor : tensors) {
    json.beginObject().field("name", tensor.name).field("shape", std::vector<std::int64_t>{tensor.rows, tensor.width});
    json.field("dtype", tensor.type).field("meaning", tensor.meaning).endObject();
  }
  json.endArray();
}

}  // namespace chunkflow
