import { parentPort, workerData } from 'node:worker_threads';
import { optimaAt } from './front.ts';
import { type FrontShare, planSearch } from './planning.ts';
import { QUICK_EFFORT } from './search.ts';

// One thread's share of a front: an answer for each of its caps.
const { workload, system, transport, gpuCaps, pinnedBytes } = workerData as FrontShare;
const search = await planSearch(workload, system, transport);
for (const cap of gpuCaps) {
  for (const optimum of optimaAt(search, [cap], pinnedBytes, QUICK_EFFORT)) parentPort!.postMessage(optimum);
}
