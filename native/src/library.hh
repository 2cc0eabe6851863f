#pragma once
// A generated program in a shared library, through the C functions of program/runtime.hpp.
#include <string>
#include <vector>

#include "program/runtime.hpp"

namespace chunkflow::addon {

class Library {
 public:
  /// Stays loaded until the process ends: a runtime leaves threads and device state behind.
  /// @throws std::runtime_error when it cannot be loaded, is no generated program, or speaks another version.
  explicit Library(const std::string& path);

  std::string describe() const { return describe_(); }
  /// Blocks until the run is over. Returns its exit code.
  int run(const std::vector<std::string>& arguments, const Sink& sink) const;

 private:
  decltype(&chunkflow_describe) describe_;
  decltype(&chunkflow_run) run_;
};

}  // namespace chunkflow::addon
