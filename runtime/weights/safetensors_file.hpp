#pragma once
// Writing a .safetensors file of bf16 tensors, piece by piece and in any order.
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "compute/compute.hpp"
#include "weights/program_tensors.hpp"

namespace chunkflow {

/// A file written atomically: under a temporary name, renamed when it is finished.
class SafetensorsFile {
 public:
  /// @param metadata texts by name, kept in the header. @param flag which asked for it, for messages. @throws UserError
  /// when the file cannot be written.
  SafetensorsFile(std::string path, const char* flag, const std::vector<ProgramTensor>& tensors,
                  const std::vector<std::pair<std::string, std::string>>& metadata);
  /// Puts values at element `first` of tensor number `tensor`.
  void write(std::size_t tensor, std::uint64_t first, std::span<const bf16> values);
  void finish();

 private:
  [[noreturn]] void refuse() const;
  std::string path_, flag_, unfinished_;
  std::ofstream out_;
  std::vector<std::uint64_t> begins_;  // of each tensor, bytes into the file
};

}  // namespace chunkflow
