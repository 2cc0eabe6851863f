import { max, median } from 'simple-statistics';
import { ExplorerPages } from '../test/explorer/page/explorerPages.ts';

/** A model of 60 blocks, one slider, and as many of its steps as people make in a drag. */
export const DRAG_CASE = { model: 'hunyuanvideo-13b', machine: 'h200-x2', size: '640x720x129' };
const STEPS = 40;
const STEP_PX = 16;
/** Answers before those that count: the browser compiles what is run often. */
const WARM_UP = 6;

/** What the explorer's page takes, in a browser of this machine. */
export interface ExplorerFigures {
  /** From the start of the navigation to the end of the load event. */
  loadMs: number;
  /** From the start of the navigation to the first verdict, the model started and read. */
  firstVerdictMs: number;
  /** From a slider's event to the verdict of its value in the document, median and worst. */
  dragMs: number;
  dragWorstMs: number;
  /** From the button to the plan. */
  searchS: number;
  /** What a visit loads, uncompressed. */
  megabytes: number;
}

/** @returns why there are none where no Chromium is there. */
export async function explorerFigures(): Promise<ExplorerFigures | string> {
  const pages = await ExplorerPages.launch();
  if (typeof pages === 'string') return pages;
  try {
    const explorer = await pages.open(DRAG_CASE);
    const firstVerdictMs = Number(
      await explorer.page.evaluate(`performance.getEntriesByName('first verdict')[0].startTime`),
    );
    const megabytes = Number(await explorer.page.evaluate(WEIGHT)) / 1e6;
    const answersMs = (await explorer.page.evaluate(DRAG)) as number[];
    const counted = answersMs.slice(WARM_UP);
    await explorer.drawn();
    return {
      ...{ loadMs: explorer.loadMs, firstVerdictMs },
      ...{ dragMs: median(counted), dragWorstMs: max(counted) },
      searchS: Number(await explorer.page.evaluate(SEARCH)) / 1e3,
      megabytes,
    };
  } finally {
    await pages.close();
  }
}

/** Runs in the page: one event after the other, each once the one before is answered. */
const DRAG = `(async () => {
  const slider = document.querySelector('input[type=range][aria-label=Width]');
  const verdict = document.querySelector('.verdict');
  const settled = () => new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (verdict.classList.contains('stale')) return;
      observer.disconnect();
      resolve();
    });
    observer.observe(verdict, { attributes: true });
  });
  const answersMs = [];
  for (let step = 1; step <= ${STEPS}; step += 1) {
    const began = performance.now();
    const answered = settled();
    slider.value = String(640 + ${STEP_PX} * step);
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await answered;
    answersMs.push(performance.now() - began);
  }
  return answersMs;
})()`;

/** Bytes of all files that the page has loaded, as they are once unpacked; a second worker has its script from the first. */
const WEIGHT = `{
  const loaded = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type));
  const files = new Map(loaded.map(({ name, decodedBodySize }) => [name.split('#')[0], decodedBodySize]));
  [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
}`;

const SEARCH = `(async () => {
  const began = performance.now();
  document.querySelector('#search').click();
  while (document.querySelector('#adopt') === null) await new Promise((resolve) => setTimeout(resolve, 5));
  return performance.now() - began;
})()`;
