// The executable: results on standard output (or where --out says), everything for people on standard error.
#include <cstdio>

#include "measure/run.hpp"
#include "program/runtime.hpp"

namespace {

int printLine(void*, const char* json) {
  return std::puts(json) == EOF || std::fflush(stdout) == EOF ? 1 : 0;
}

void printNote(void*, const char* text) { std::fprintf(stderr, "%s\n", text); }

}  // namespace

int main(int argc, char** argv) {
  const chunkflow::Sink sink{nullptr, printLine, printNote};
  return chunkflow::runIn(chunkflow::RunIn::Executable, chunkflow::program(), argc - 1, argv + 1, sink);
}
