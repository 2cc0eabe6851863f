#pragma once
#include <stdexcept>
#include <string>

namespace chunkflow {

/// A mistake that the user can correct: one line that names the thing, the value and the remedy.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Exit code of a program, or of one of its ranks, that ends with a UserError.
inline constexpr int USERS_MISTAKE = 2;

/// A failure of the device or of another rank, after which the run cannot continue.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace chunkflow
