#pragma once
// The way into a generated runtime: `run` from main(), and the C functions by which a host program that has loaded the
// shared library does the same. It includes nothing, so that such a host program needs this one header.

namespace chunkflow {

struct Program;

/// Receives results while they are made. All functions are called on one thread.
struct Sink {
  void* user;
  /// One line of JSON, without its end of line. Returns 0, or not 0 when it could not be kept (the run then ends).
  int (*line)(void* user, const char* json);
  /// Progress for people, one line.
  void (*note)(void* user, const char* text);
};

/// Runs what the arguments ask for (see `--help`) on this generated program. Returns the exit code: 0, 2 for a user's mistake,
/// 1 for a failed run.
int run(const Program& program, int argc, const char* const* argv, const Sink& sink);

/// The generated program of this library; defined by the generated sources.
const Program& program();

}  // namespace chunkflow

extern "C" {
/// Version of this interface.
int chunkflow_abi();
/// {"id", "title", "fingerprint", "tool", "backend", "plans": [...]} as JSON.
const char* chunkflow_describe();
/// See chunkflow::run.
int chunkflow_run(int argc, const char* const* argv, const chunkflow::Sink* sink);
}
