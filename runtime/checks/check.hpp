#pragma once
// What the check programs share: a line for each thing that holds or does not, and the exit code.
#include <cstdio>
#include <string>

namespace chunkflow {

inline int failedChecks = 0;

inline void check(const std::string& name, bool holds) {
  std::printf("%s %s\n", holds ? "ok  " : "FAIL", name.c_str());
  std::fflush(stdout);
  if (!holds) ++failedChecks;
}

/// Whether a call throws this kind of error.
template <typename Error, typename Call>
bool throws(Call call) {
  try {
    call();
  } catch (const Error&) {
    return true;
  }
  return false;
}

}  // namespace chunkflow
