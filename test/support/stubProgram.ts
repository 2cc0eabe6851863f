import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { runLines } from './measurementFixture.ts';

const PROGRAM = `#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include "program/runtime.hpp"
#include "lines.hpp"

extern "C" int chunkflow_abi() { return ABI; }
extern "C" const char* chunkflow_describe() { return DESCRIPTION; }
extern "C" int chunkflow_run(int argc, const char* const* argv, const chunkflow::Sink* sink) {
  std::FILE* out = nullptr;
  for (int i = 0; i < argc; ++i) {
    if (std::strcmp(argv[i], "--out") == 0) out = std::fopen(argv[++i], "a");
    if (std::strcmp(argv[i], "--seed") == 0 && std::strcmp(argv[i + 1], "13") == 0) {
      sink->note(sink->user, "error: --seed: 13 is refused here");
      return 2;
    }
    if (std::strcmp(argv[i], "--inputs") == 0) {
      sink->note(sink->user, std::filesystem::exists(argv[i + 1]) ? "inputs are there" : "inputs are nowhere");
    }
    if (std::strcmp(argv[i], "--seed") == 0 && std::strcmp(argv[i + 1], "99") == 0) {
      sink->note(sink->user, "error: rank 0: the device is gone");
      return 1;
    }
  }
  sink->note(sink->user, ("measuring with " + std::to_string(argc) + " arguments").c_str());
  for (const char* line : LINES) {
    if (out != nullptr) std::fprintf(out, "%s\\n", line);
    else if (sink->line(sink->user, line) != 0) return 1;
  }
  if (out != nullptr) std::fclose(out);
  return 0;
}
`;

const MAIN = `#include <cstdio>
#include "program/runtime.hpp"
int main(int argc, char** argv) {
  const chunkflow::Sink sink{nullptr, [](void*, const char* json) { return std::puts(json) < 0 ? 1 : 0; },
                             [](void*, const char* text) { std::fprintf(stderr, "%s\\n", text); }};
  return chunkflow_run(argc - 1, argv + 1, &sink);
}
`;

const RUNTIME = `project(stub_runtime CXX)
set(STUB \${CMAKE_CURRENT_SOURCE_DIR} CACHE INTERNAL "")
function(chunkflow_program target)
  add_library(\${target} SHARED \${ARGN})
  target_include_directories(\${target} PUBLIC "${join(packageRoot, 'runtime')}")
  target_compile_features(\${target} PUBLIC cxx_std_20)
  add_executable(\${target}_run \${STUB}/main.cpp)
  target_link_libraries(\${target}_run PRIVATE \${target})
  set_target_properties(\${target}_run PROPERTIES BUILD_RPATH "\\$ORIGIN")
endfunction()
`;

/** A runtime that does nothing but repeat records: what is tested above it builds in a second. */
export function writeStubRuntime(folder: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'CMakeLists.txt'), RUNTIME);
  writeFileSync(join(folder, 'main.cpp'), MAIN);
  return folder;
}

/** A program folder whose library repeats the lines of a run; `source` replaces what is compiled. */
export function writeStubProgram(
  folder: string,
  {
    id = 'tiny',
    fingerprint = 'f00d',
    abi = 1,
    lines = runLines({ program: id, fingerprint }),
    source = PROGRAM,
  }: { id?: string; fingerprint?: string; abi?: number; lines?: readonly string[]; source?: string } = {},
): string {
  mkdirSync(folder, { recursive: true });
  const description = JSON.stringify({ id, fingerprint });
  const files = {
    'CMakeLists.txt': `chunkflow_program(${id} program.cpp)\n`,
    'lines.hpp': [
      `constexpr int ABI = ${abi};`,
      `constexpr const char* DESCRIPTION = R"~(${description})~";`,
      `constexpr const char* LINES[] = {${lines.map((line) => `R"~(${line})~"`).join(',\n')}};\n`,
    ].join('\n'),
    'program.cpp': source,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const manifest = stubManifest(id, fingerprint, files);
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return folder;
}

function stubManifest(id: string, fingerprint: string, files: Record<string, string>) {
  const claim = {
    ...{ outsideBytes: 0, residentBytes: 0, slotBytes: 0, activationBytes: 0, collectiveBufferBytes: 0 },
    ...{ reserveBytes: 0, gpuPeakBytes: 3 * 2 ** 30, hostPinnedBytes: 0 },
  };
  const plan = (name: string) => ({
    ...{ name, transport: 'staged-copy', file: 'program.cpp', claim },
    ...{ predictedStepS: 0.011, simulatedStepS: 0.0111 },
    statements: {
      block: [
        { track: 'compute', name: 'QKV', category: 'compute', bytes: 0 },
        { track: 'copy', name: 'block 1', category: 'prefetch', bytes: 2 ** 20 },
      ],
    },
    positions: [{ routine: 'block', ops: [7, 8] }],
  });
  return {
    ...{
      schema: 'chunkflow/generated@1',
      id,
      target: id,
      title: 'Tiny',
      tool: 'chunkflow 0.1.0',
      fingerprint,
    },
    inputs: {
      ...{ model: 'tiny', size: '16x16', layout: 'SP 2', blocks: 1, tokens: 1, textRows: 0, passes: 1 },
      ...{ plans: ['none', 'yield'], machine: 'h200-x1' },
    },
    system: { id: 'h200-x1', peer: 'mirrored' },
    ...{ ranks: 1, groupSize: 2, mirrored: true, plans: [plan('none'), plan('yield')] },
    files: Object.entries(files).map(([name, text]) => ({
      name,
      sha256: createHash('sha256').update(text).digest('hex'),
    })),
  };
}
