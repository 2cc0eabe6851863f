import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cell } from '../../../studies/grid/experimentFile.ts';
import { runLines } from '../../support/measurementFixture.ts';
import { writeStubProgram } from '../../support/stubProgram.ts';

/** Appends its lines one by one as a runtime does: locked, only the chosen plans, CHUNKFLOW_STUB_DELAY_MS apart. */
const SOURCE = `#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <cstdlib>
#include <cstring>
#include <string>
#include "program/runtime.hpp"
#include "lines.hpp"

extern "C" int chunkflow_abi() { return ABI; }
extern "C" const char* chunkflow_describe() { return DESCRIPTION; }
extern "C" int chunkflow_run(int argc, const char* const* argv, const chunkflow::Sink* sink) {
  std::string plans = "0,1", all;
  int file = -1;
  for (int i = 0; i < argc; ++i) {
    all += std::string(" ") + argv[i];
    if (std::strcmp(argv[i], "--out") == 0) file = open(argv[i + 1], O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (std::strcmp(argv[i], "--plans") == 0) plans = argv[i + 1];
  }
  const char* failing = std::getenv("CHUNKFLOW_STUB_FAILS");
  if (failing != nullptr && std::strstr(DESCRIPTION, failing) != nullptr) {
    sink->note(sink->user, "error: rank 0: the device is gone");
    return 1;
  }
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    sink->note(sink->user, "error: another run is writing to it");
    return 2;
  }
  sink->note(sink->user, ("arguments:" + all.substr(all.find(" --rounds"))).c_str());
  const char* delay = std::getenv("CHUNKFLOW_STUB_DELAY_MS");
  for (const std::string line : LINES) {
    const auto plan = line.find("\\"plan\\":");
    if (plan != std::string::npos && plans.find(line[plan + 7]) == std::string::npos) continue;
    if (delay != nullptr) usleep(1000 * std::atoi(delay));
    const std::string text = line + "\\n";
    if (write(file, text.data(), text.size()) < 0) return 1;
  }
  return 0;
}
`;

/** Three cells of two plans, as the stub programs have them. */
const EXPERIMENT = `name: stub
split: fit
machine: h200-x1
measure: [--rounds, "2"]
workloads:
  - {model: experiments/tiny/tiny-joint.yaml, blocks: 2, sizes: [64x64, 128x64, 128x128]}
arms:
  - {sp: 2, plans: [none, yield]}
`;

export function writeExperiment(folder: string): string {
  const file = join(folder, 'stub.yaml');
  writeFileSync(file, EXPERIMENT);
  return file;
}

/**
 * Writes a stub in place of a cell's program, under one folder for all results: what is built once is built for all of
 * them. `broken` does not compile.
 */
export function stubWriter(folder: string, { fingerprint = 'f00d', broken = '' } = {}) {
  return ({ id }: Cell): string => {
    const program = join(folder, 'programs', `${fingerprint}${broken}`, id);
    if (existsSync(program)) return program;
    return writeStubProgram(program, {
      ...{ id, fingerprint, lines: runLines({ program: id, fingerprint }) },
      source: id === broken ? 'int x = missing_name;\n' : SOURCE,
    });
  };
}
