#include "weights/given_inputs.hpp"

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"

namespace chunkflow {

GivenInputs::GivenInputs(const Program& program, const std::string& path) : taken_(inputTensors(program)), path_(path) {
  if (path.empty()) return;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    throw UserError("--inputs " + path + ": is a folder; give one .safetensors file");
  }
  file_ = std::make_unique<Safetensors>(path, "--inputs");
  const std::string where = "--inputs " + path + ": tensor ";
  const std::vector<std::string> names = file_->names();
  if (names.empty()) throw UserError("--inputs " + path + ": has no tensor; this program takes " + tensorsText(taken_));
  for (const std::string& name : names) {
    const auto taken =
        std::find_if(taken_.begin(), taken_.end(), [&](const ProgramTensor& tensor) { return name == tensor.name; });
    if (taken == taken_.end()) {
      throw UserError(where + name + " is no input of this program, which takes " + tensorsText(taken_));
    }
    const StoredTensor& stored = file_->tensor(name);
    if (foldsTo(stored.shape, taken->rows, taken->width)) continue;
    throw UserError(where + name + " is " + shapeText(stored.shape) + "; this program needs " +
                    shapeText({taken->rows, taken->width}) + " (" + taken->meaning + ")");
  }
}

const StoredTensor* GivenInputs::find(std::string_view name) const {
  if (!file_) return nullptr;
  const std::vector<std::string> names = file_->names();
  return std::find(names.begin(), names.end(), name) == names.end() ? nullptr : &file_->tensor(std::string(name));
}

std::vector<std::string> GivenInputs::namesOf(bool given, std::string_view otherwise) const {
  std::vector<std::string> names;
  for (const ProgramTensor& tensor : taken_) {
    if ((find(tensor.name) != nullptr) == given && (given || otherwise == tensor.otherwise)) {
      names.emplace_back(tensor.name);
    }
  }
  return names;
}

}  // namespace chunkflow
