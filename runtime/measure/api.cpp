// The C functions of runtime.hpp.
#include "measure/describe.hpp"
#include "measure/run.hpp"
#include "program/runtime.hpp"

extern "C" {

int chunkflow_abi() { return 1; }

const char* chunkflow_describe() {
  static const std::string JSON = chunkflow::describeJson(chunkflow::program());
  return JSON.c_str();
}

int chunkflow_run(int argc, const char* const* argv, const chunkflow::Sink* sink) {
  return chunkflow::run(chunkflow::program(), argc, argv, *sink);
}
}
