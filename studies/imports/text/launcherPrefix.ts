/** A line without what launchers and log collectors put before it, and which process they say it is of. */
export interface TaggedLine {
  text: string;
  /** As the launcher writes it, `[1,0]`; empty where it says none. */
  process: string;
}

interface Prefix {
  pattern: RegExp;
  /** Whether its first group names the process. */
  names: boolean;
}

/** Prefixes that nothing else looks like. */
const PREFIXES: readonly Prefix[] = [
  // Open MPI's --tag-output, `[1,0]<stdout>:`; PRRTE's, `[prterun-host-1@1,0]<stdout>: `.
  { pattern: /^\s*(\[[^\]<>]{0,200}\d,\d+\])<std(?:out|err|diag)>: ?/, names: true },
  // torchrun --tee and PyTorch's own logs, `[rank0]: `, `[default0]:`.
  { pattern: /^\s*(\[(?:rank|default|local_rank|worker)[ _-]?\d+\]):? ?/i, names: true },
  // MPICH's and Intel MPI's -prepend-rank, `[0] `.
  { pattern: /^(\[\d+\]) /, names: true },
  // srun --label, ` 0: `.
  { pattern: /^(\s*\d+): ?/, names: true },
  // kubectl logs --prefix, `[pod/name/container] `.
  { pattern: /^(\[pod\/[^\]\s]+\]) ?/, names: true },
  // Ray, `(worker pid=12, ip=10.0.0.1) `.
  { pattern: /^(\([\w.: -]*pid=\d+(?:, ip=[\d.]+)?\)) ?/, names: true },
  // kubectl and docker logs --timestamps, GitHub Actions, bracketed or not.
  {
    pattern: /^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?[ \t]?/,
    names: false,
  },
  // Open MPI's --timestamp-output, `Mon Jan  5 10:00:00 2026`.
  { pattern: /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}(?=\[)/, names: false },
  // journalctl, `Jan 05 10:00:00 host name[12]: `.
  { pattern: /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (\S+ \S+?\[\d+\]): ?/, names: true },
];

/** Prefixes that are one only if most lines have it: a host (`node1: `, of pdsh and clush), a service (`name-1  | `, of docker compose), a quote. */
const SHARED_PREFIXES: readonly Prefix[] = [
  { pattern: /^([\w][\w.-]*): ?/, names: true },
  { pattern: /^([\w][\w.-]*) +\| ?/, names: true },
  { pattern: /^(?:> ?)+/, names: false },
];

/** Timestamps and ranks stand one behind the other, and logs in logs. */
const MOST_PREFIXES = 4;
const MOST = 0.5;

/** Lines without the prefixes of launchers, log collectors and quotes. */
export function withoutPrefixes(lines: readonly string[]): TaggedLine[] {
  let tagged = lines.map((text) => ({ text, process: '' }));
  for (let round = 0; round < MOST_PREFIXES; round += 1) {
    const before = tagged;
    tagged = tagged.map(withoutKnown);
    for (const prefix of SHARED_PREFIXES)
      if (isOfMost(tagged, prefix)) tagged = tagged.map((line) => without(line, [prefix]));
    if (tagged.every(({ text }, index) => text === before[index]!.text)) break;
  }
  return tagged;
}

function withoutKnown(line: TaggedLine): TaggedLine {
  let rest = line;
  for (let count = 0; count < MOST_PREFIXES; count += 1) rest = without(rest, PREFIXES);
  return rest;
}

function without(line: TaggedLine, prefixes: readonly Prefix[]): TaggedLine {
  for (const { pattern, names } of prefixes) {
    const found = pattern.exec(line.text);
    if (found === null) continue;
    const process = names
      ? [line.process, found[1]!.trim()].filter((part) => part !== '').join(' ')
      : line.process;
    return { text: line.text.slice(found[0].length), process };
  }
  return line;
}

function isOfMost(lines: readonly TaggedLine[], { pattern }: Prefix): boolean {
  const full = lines.filter(({ text }) => text.trim() !== '');
  const having = full.filter(({ text }) => pattern.test(text)).length;
  return having >= 2 && having > full.length * MOST;
}
