/**
 * The first thing that a build's output calls an error, in one line; null when there is none. Knows the forms of GCC and
 * Clang (`file:3:7: error: ...`), nvcc (`file(3): error: ...`), CMake and linkers.
 */
export function firstError(log: string): string | null {
  const lines = log.split('\n');
  for (const [index, line] of lines.entries()) {
    if (/^\S.*(:\d+(:\d+)?|\(\d+\)): (fatal )?error: /.test(line)) return line.trim();
    if (/: undefined reference to |^(\/\S*)?ld(\.\w+)?: (error|cannot find)/.test(line)) return line.trim();
    if (/^nvcc fatal|^c(c1plus|\+\+|g\+\+): (fatal )?error:/.test(line)) return line.trim();
    if (line.startsWith('CMake Error')) return cmakeMessage(lines.slice(index));
  }
  return null;
}

/** CMake puts its message behind the place, indented and wrapped. */
function cmakeMessage(lines: readonly string[]): string {
  const inline = /^CMake Error: (.+)$/.exec(lines[0]!);
  if (inline !== null) return inline[1]!;
  const body = lines.slice(1);
  const start = body.findIndex((line) => line.trim() !== '');
  const rest = body.slice(start);
  const end = rest.findIndex((line) => line.trim() === '');
  return rest
    .slice(0, end < 0 ? undefined : end)
    .map((line) => line.trim())
    .join(' ');
}
