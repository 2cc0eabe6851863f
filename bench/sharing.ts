import { pathToFileURL } from 'node:url';
import { EventQueue } from '../sim/kernel/eventQueue.ts';
import { FlowSystem } from '../sim/sharing/flowSystem.ts';

const RUN_SECONDS = 0.5;
const RUNS = 5;

/** Park-Miller generator, uniform in (0, 1): the same workload on every machine. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** Median over runs of the steps done in a second, after one run to warm up. */
function stepsPerS(stepMany: () => number): number {
  const speeds: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    let steps = 0;
    let elapsedMs = 0;
    while (elapsedMs < RUN_SECONDS * 1000) {
      steps += stepMany();
      elapsedMs = performance.now() - start;
    }
    if (run > 0) speeds.push((steps / elapsedMs) * 1000);
  }
  return speeds.sort((a, b) => a - b)[RUNS >> 1]!;
}

/** Events a second of the event queue in the hold model: take the earliest out, put one in at a random time later. */
export function eventsPerS(pending = 1000): number {
  const queue = new EventQueue();
  const random = uniform(1);
  const delays = Float64Array.from({ length: 1 << 16 }, random);
  for (let i = 0; i < pending; i++) queue.push(random(), i);
  let next = 0;
  return stepsPerS(() => {
    for (let i = 0; i < 10_000; i++) {
      const payload = queue.pop();
      queue.push(queue.poppedTime + delays[next++ & 0xffff]!, payload);
    }
    return 10_000;
  });
}

/** What the flow workload varies beside the number of devices. */
export interface FlowWorkload {
  /** Capacity of the memory that all flows cross, for each GPU; 60 is more than they need, 45 is not. */
  readonly memoryPerGpu?: number;
  /** Gives each flow a weight of its own, so that no flow can take over the rate of one that ended. */
  readonly varied?: boolean;
}

/**
 * Completions a second of a flow system with two flows for each GPU, a download and a copy to the next GPU; each flow
 * that ends is followed by another of a random amount.
 * @param shared whether all flows cross host memory too
 */
export function flowsPerS(gpus: number, shared: boolean, workload: FlowWorkload = {}): number {
  const { memoryPerGpu = 60, varied = false } = workload;
  const system = new FlowSystem();
  const random = uniform(gpus);
  const down = Array.from({ length: gpus }, () => system.addResource(55));
  const up = Array.from({ length: gpus }, () => system.addResource(55));
  const memory = shared ? [system.addResource(memoryPerGpu * gpus)] : [];
  const ones = memory.map(() => 1);
  const download = down.map((resource) => system.addRoute([resource, ...memory], [1, ...ones]));
  const copy = up.map((resource, gpu) =>
    system.addRoute([resource, ...memory, down[(gpu + 1) % gpus]!], [1, ...ones, 1.18]),
  );
  // A flow's tag tells its GPU and, in the lowest bit, its kind.
  const start = (tag: number): void => {
    const gpu = tag >> 1;
    const weightFactor = varied ? 0.9 + 0.2 * random() : 1;
    const amount = 0.5 + random();
    if ((tag & 1) === 0)
      system.start(now, download[gpu]!, amount, Number.POSITIVE_INFINITY, weightFactor, tag);
    else system.start(now, copy[gpu]!, amount, 24, 0.3 * weightFactor, tag);
  };
  let now = 0;
  let completed = 0;
  const done = (tag: number): void => {
    completed++;
    start(tag);
  };
  for (let tag = 0; tag < 2 * gpus; tag++) start(tag);
  system.settle(now);
  return stepsPerS(() => {
    const before = completed;
    for (let i = 0; i < 1000; i++) {
      now = system.nextCompletion();
      system.completeAt(now, done);
      system.settle(now);
    }
    return completed - before;
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const millions = (speed: number) => `${(speed / 1e6).toFixed(2)} M/s`;
  for (const pending of [64, 1000, 16_384]) {
    console.log(`events, ${pending} pending: ${millions(eventsPerS(pending))}`);
  }
  for (const gpus of [2, 8, 32]) {
    const row = [
      `apart ${millions(flowsPerS(gpus, false))}`,
      `shared ${millions(flowsPerS(gpus, true))}`,
      `varied ${millions(flowsPerS(gpus, true, { varied: true }))}`,
      `saturated ${millions(flowsPerS(gpus, true, { memoryPerGpu: 45 }))}`,
      `saturated and varied ${millions(flowsPerS(gpus, true, { memoryPerGpu: 45, varied: true }))}`,
    ];
    console.log(`flows, ${gpus} GPUs: ${row.join(', ')}`);
  }
}
