#pragma once
// How a run is started, for main() and for host programs alike.
#include "program/program.hpp"
#include "program/runtime.hpp"

namespace chunkflow {

/// Executable: this process is ours, so it may start others like itself, and end when a device does not come back.
enum class RunIn { Executable, HostProgram };

/// See chunkflow::run. @param argv the arguments without the program's name.
int runIn(RunIn where, const Program& program, int argc, const char* const* argv, const Sink& sink);

}  // namespace chunkflow
