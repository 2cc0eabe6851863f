#pragma once
#include <stdexcept>
#include <string>

namespace chunkflow {

/// Something the person who started the run can mend: one line that names the thing, the value and the way out.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Something that went wrong on the device or between ranks; the run cannot go on.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace chunkflow
