import sqlite from 'node-sqlite3-wasm';

/** A collective of a made trace: what PyTorch records of it, and how long its kernel takes. */
export interface MadeCollective {
  kernel: string;
  name: string;
  elements: number;
  us: number;
}

export interface MadeBlock {
  range: string;
  /** Compute before, between and behind the collectives; each as kernels that follow each other. */
  windowsUs: readonly (readonly number[])[];
  collectives: readonly MadeCollective[];
}

export interface MadeTrace {
  /** Each a list of blocks in order. */
  passes: readonly (readonly MadeBlock[])[];
  /** GPU time between passes. */
  outsideUs: number;
  ranks: number;
}

interface MadeKernel {
  name: string;
  startUs: number;
  us: number;
  launchUs: number;
  correlation: number;
  stream: number;
  collective: MadeCollective | null;
}

/** The host launches everything of a pass at once, long before the GPU gets there, as a host that runs ahead does. */
export function kernelsOf({ passes, outsideUs }: MadeTrace) {
  const kernels: MadeKernel[] = [];
  const ranges: { name: string; startUs: number; us: number }[] = [];
  let hostUs = 1000;
  let gpuUs = 5000;
  const launch = (name: string, us: number, stream: number, collective: MadeCollective | null) => {
    kernels.push({
      ...{
        name,
        startUs: gpuUs,
        us,
        launchUs: hostUs,
        correlation: 100 + kernels.length,
        stream,
        collective,
      },
    });
    hostUs += 2;
    gpuUs += us;
  };
  for (const [pass, blocks] of passes.entries()) {
    if (pass > 0) {
      hostUs = Math.max(hostUs, gpuUs - 3000) + 10;
      launch('scheduler_step', outsideUs / 2, 7, null);
      gpuUs += outsideUs / 2;
    }
    for (const { range, windowsUs, collectives } of blocks) {
      const startUs = hostUs;
      hostUs += 1;
      for (const [window, kernelsUs] of windowsUs.entries()) {
        for (const us of kernelsUs) launch('gemm_kernel', us, 7, null);
        const collective = collectives[window];
        if (collective !== undefined) launch(collective.kernel, collective.us, 20, collective);
      }
      ranges.push({ name: range, startUs, us: hostUs - startUs });
      hostUs += 1;
    }
  }
  return { kernels, ranges };
}

/** As PyTorch's profiler exports it, with what else such a file has. */
export function kinetoText(made: MadeTrace, options: { messages?: boolean; cat?: string } = {}): string {
  const { messages = true, cat = 'python_function' } = options;
  const { kernels, ranges } = kernelsOf(made);
  const originUs = 5_021_494_694_000;
  const thread = { pid: 4242, tid: 4243 };
  const events: unknown[] = [
    { ph: 'M', name: 'process_name', pid: 4242, tid: 0, ts: originUs, args: { name: 'python' } },
    { ph: 'X', cat: 'cpu_op', name: 'aten::mm', ...thread, ts: originUs, dur: 3, args: {} },
    {
      ph: 'X',
      cat: 'python_function',
      name: 'nn.Module: Model_0',
      ...thread,
      ts: originUs,
      dur: 1e9,
      args: {},
    },
  ];
  for (const { name, startUs, us } of ranges)
    events.push({ ph: 'X', cat, name, ...thread, ts: originUs + startUs, dur: us, args: {} });
  for (const { name, startUs, us, launchUs, correlation, stream, collective } of kernels) {
    events.push({
      ...{ ph: 'X', cat: 'cuda_runtime', name: 'cudaLaunchKernel', ...thread },
      ...{ ts: originUs + launchUs, dur: 1, args: { correlation } },
    });
    const message = messages &&
      collective !== null && {
        ...{ 'Collective name': collective.name, dtype: 'BFloat16', 'Group size': made.ranks },
        ...{ 'In msg nelems': collective.elements, 'Out msg nelems': collective.elements },
      };
    events.push({
      ...{ ph: 'X', cat: 'kernel', name, pid: 0, tid: stream, ts: originUs + startUs, dur: us },
      args: { device: 0, stream, correlation, ...message },
    });
  }
  return JSON.stringify({
    ...{ schemaVersion: 1, cuda_runtime_version: 12060, baseTimeNanoseconds: 1_790_857_026_000_000_000 },
    deviceProperties: [{ id: 0, name: 'NVIDIA H200' }],
    traceEvents: events,
  });
}

/** A global id of the process, in whose last 24 bits threads are counted. */
const PROCESS = 281_500_000n << 24n;

/** As `nsys export --type sqlite` writes it. */
export function writeNsys(file: string, made: MadeTrace): void {
  const { kernels, ranges } = kernelsOf(made);
  const database = new sqlite.Database(file);
  try {
    database.exec(`
      BEGIN;
      CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT NOT NULL);
      CREATE TABLE TARGET_INFO_GPU (id INTEGER, name TEXT);
      CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER, end INTEGER, globalTid INTEGER, correlationId INTEGER);
      CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, end INTEGER, deviceId INTEGER, streamId INTEGER,
        correlationId INTEGER, globalPid INTEGER, demangledName INTEGER, shortName INTEGER);
      CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (start INTEGER, end INTEGER, deviceId INTEGER, streamId INTEGER,
        correlationId INTEGER, globalPid INTEGER, copyKind INTEGER);
      CREATE TABLE NVTX_EVENTS (start INTEGER, end INTEGER, eventType INTEGER, text TEXT, textId INTEGER, globalTid INTEGER);
      INSERT INTO TARGET_INFO_GPU VALUES (0, 'NVIDIA H200');
    `);
    const names = [...new Set(kernels.map(({ name }) => name))];
    for (const [id, name] of names.entries()) database.run('INSERT INTO StringIds VALUES (?, ?)', [id, name]);
    const ns = (us: number) => Math.round(us * 1000);
    const thread = PROCESS + 4243n;
    for (const { name, startUs, us } of ranges)
      database.run('INSERT INTO NVTX_EVENTS VALUES (?, ?, 59, ?, NULL, ?)', [
        ns(startUs),
        ns(startUs + us),
        name,
        thread,
      ]);
    for (const { name, startUs, us, launchUs, correlation, stream } of kernels) {
      database.run('INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (?, ?, ?, ?)', [
        ...[ns(launchUs), ns(launchUs + 1), thread, correlation],
      ]);
      database.run('INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (?, ?, 0, ?, ?, ?, ?, ?)', [
        ...[ns(startUs), ns(startUs + us), stream, correlation, PROCESS],
        ...[names.indexOf(name), names.indexOf(name)],
      ]);
    }
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}
