#pragma once
// Inputs that a safetensors file gives in place of random values.
#include <string>
#include <string_view>
#include <vector>

#include "program/program.hpp"
#include "weights/program_tensors.hpp"
#include "weights/safetensors.hpp"

namespace chunkflow {

class GivenInputs {
 public:
  /// Checks every tensor of the file. @param path "": no file, so nothing is given. @throws UserError that names a tensor
  /// which the program does not take, or takes in another shape.
  GivenInputs(const Program& program, const std::string& path);

  /// The whole tensor, [rows of all ranks, width]; null where the file has none of this name.
  const StoredTensor* find(std::string_view name) const;

  /// Names of inputs that the file gives, and of those that stay random or computed.
  std::vector<std::string> given() const { return namesOf(true, ""); }
  std::vector<std::string> random() const { return namesOf(false, "random"); }
  std::vector<std::string> computed() const { return namesOf(false, "computed"); }
  const std::string& path() const { return path_; }

 private:
  std::vector<std::string> namesOf(bool given, std::string_view otherwise) const;

  std::vector<ProgramTensor> taken_;
  std::string path_;
  std::unique_ptr<Safetensors> file_;
};

}  // namespace chunkflow
