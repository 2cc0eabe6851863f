import { closedForm } from '../model/analytic/closedForm.ts';
import type { StepReport } from '../model/analytic/report.ts';
import { HIDDEN_SHARE } from '../model/analytic/stepReport.ts';
import { memoryNeed } from '../model/physics/memory.ts';
import { contentOf, type Plan } from '../model/plan/plan.ts';
import { type Caps, fits } from './caps.ts';
import { exhaust } from './exhaustive.ts';
import { planBounds } from './planBounds.ts';
import { type Search, TIE } from './search.ts';

/** Of plans that are equally fast, one that loses more than this share when the link is slower is the worse one. */
const STRESSED_TIE = 2e-3;

/** Of plans in the same memory, one of fewer copies may be slower by this share. */
const COPIES_TIE = 1e-4;

/** Plans whose memory differs by less are of one level. */
const MEMORY_LEVEL_BYTES = 64 * 1024 * 1024;
/** While the best step is longer than the closed form says of the next plan, so many times the finalists are simulated. */
const MOST_EXTRA = 2;
interface Seen {
  plan: Plan;
  report: StepReport;
  gpuBytes: number;
  /** Step on a slower link; asked for only where steps are equal. */
  stressedS: () => number;
}

/** Plans that have been looked at, and the best of them. */
export class PlanPool {
  best: Seen | null = null;
  ranked = 0;
  simulated = 0;
  readonly #search: Search;
  readonly #caps: Caps;
  readonly #known = new Set<string>();
  /** Seconds of the fastest step that was simulated. */
  #leastS = Number.POSITIVE_INFINITY;

  constructor(search: Search, caps: Caps) {
    this.#search = search;
    this.#caps = caps;
  }

  /** Ranks plans by the closed form at a clock and simulates the best that are new and fit. */
  simulateBest(plans: readonly Plan[], clock: number, most: number): void {
    const { workload, system } = this.#search;
    const ranked = plans
      .filter((plan) => this.#isNew(plan) && fits(workload, system, plan, this.#caps))
      .map((plan) => ({
        plan,
        expectedS: closedForm(workload, system, plan, clock).stepTimeS,
        gpuBytes: memoryNeed(workload, system, plan).gpuPeakBytes,
      }));
    this.ranked += ranked.length;
    const leastS = Math.min(...ranked.map(({ expectedS }) => expectedS));
    // Within a tie of the closed form's best the leanest come first, then the others by their time.
    const rank = (expectedS: number) => Math.max(expectedS, leastS * (1 + TIE));
    ranked.sort(
      (a, b) =>
        rank(a.expectedS) - rank(b.expectedS) ||
        a.gpuBytes - b.gpuBytes ||
        copiesOf(a.plan) - copiesOf(b.plan),
    );
    const order = levelsFirst(ranked, leastS * (1 + TIE));
    // How much longer than in closed form the simulator says steps of this kind are, at the least.
    let least = Number.POSITIVE_INFINITY;
    for (const [place, { plan, expectedS, gpuBytes }] of order.entries()) {
      const isClear = this.best !== null && this.best.report.stepTimeS <= expectedS * Math.max(1, least);
      if (place >= most && (isClear || place >= MOST_EXTRA * most)) break;
      least = Math.min(least, this.#simulate(plan, gpuBytes) / expectedS);
    }
  }

  /**
   * Simulates plans that are new, fit and have a lower bound below the best step by more than a tie: afterwards none of them is
   * faster than the best by more than that, whatever the closed form says of them.
   *
   * @param leastS seconds that no plan within the caps over a transport goes below.
   */
  simulateAll(plans: readonly Plan[], leastS: (transport: string) => number): void {
    const { workload, system } = this.#search;
    const boundOf = planBounds(this.#search);
    for (const plan of plans) {
      if (!fits(workload, system, plan, this.#caps) || !this.#isNew(plan)) continue;
      const boundS = Math.max(boundOf(plan), leastS(plan.transport));
      if (this.best !== null && boundS >= this.best.report.stepTimeS * (1 - TIE)) continue;
      this.#simulate(plan, memoryNeed(workload, system, plan).gpuPeakBytes);
    }
  }

  /** Simulates every plan of the whole space that could be better than the best by more than a tie. */
  exhaust(): void {
    const { workload, system } = this.#search;
    const { best, simulated } = exhaust(
      this.#search,
      this.#caps,
      (this.best?.report.stepTimeS ?? Number.POSITIVE_INFINITY) * (1 - TIE),
    );
    this.simulated += simulated;
    if (best === null) return;
    this.#leastS = best.report.stepTimeS;
    const gpuBytes = memoryNeed(workload, system, best.plan).gpuPeakBytes;
    this.best = { ...best, gpuBytes, stressedS: this.#stressedS(best.plan) };
  }

  /** Simulates a plan, which becomes the best if it is; returns seconds of its step. */
  #simulate(plan: Plan, gpuBytes: number): number {
    this.simulated += 1;
    const seen = { plan, report: this.#search.oracle(plan), gpuBytes, stressedS: this.#stressedS(plan) };
    const { stepTimeS } = seen.report;
    this.#leastS = Math.min(this.#leastS, stepTimeS);
    // Ties are with the fastest of all: a chain of them must not lead away from it.
    const isTied = stepTimeS <= this.#leastS * (1 + TIE);
    if (this.best === null || (isTied && isBetter(seen, this.best))) this.best = seen;
    return stepTimeS;
  }

  #stressedS(plan: Plan): () => number {
    let known: number | undefined;
    return () => {
      if (known === undefined) this.simulated += 1;
      known ??= this.#search.stressedOracle(plan).stepTimeS;
      return known;
    };
  }

  #isNew(plan: Plan): boolean {
    const key = contentOf(plan);
    if (this.#known.has(key)) return false;
    this.#known.add(key);
    return true;
  }
}

/**
 * Ranked plans in the order in which they are simulated: of those that tie in closed form one for each amount of memory first,
 * since which of the lean ones are late is what the closed form cannot see.
 */
function levelsFirst<Ranked extends { expectedS: number; gpuBytes: number }>(
  ranked: readonly Ranked[],
  tiedS: number,
): Ranked[] {
  const levels = new Set<number>();
  const isFirst = ({ expectedS, gpuBytes }: Ranked) => {
    const level = Math.round(gpuBytes / MEMORY_LEVEL_BYTES);
    if (expectedS > tiedS || levels.has(level)) return false;
    levels.add(level);
    return true;
  };
  const first = ranked.filter(isFirst);
  return [...first, ...ranked.filter((one) => !first.includes(one))];
}

/**
 * The faster one. Of equally fast ones that hide their copies the one that stays so on a slower link: a plan that hides its last
 * byte at the last moment is as fast as one with time to spare only on paper. Then the one in less memory; but where copies are
 * waited for, memory of one level that the caps leave is worth no time, so that the faster one is taken after all. In as much memory
 * the faster one, or that of fewer copies.
 */
function isBetter(one: Seen, other: Seen): boolean {
  const ratio = one.report.stepTimeS / other.report.stepTimeS;
  if (ratio < 1 - TIE) return true;
  if (ratio > 1 + TIE) return false;
  const memory = one.gpuBytes - other.gpuBytes;
  if (isHidden(one.report) && isHidden(other.report)) {
    const stressed = one.stressedS() / other.stressedS();
    if (stressed < 1 - STRESSED_TIE) return true;
    if (stressed > 1 + STRESSED_TIE) return false;
  } else if (memory !== 0 && Math.abs(memory) < MEMORY_LEVEL_BYTES) return ratio < 1;
  if (memory !== 0) return memory < 0;
  return Math.abs(ratio - 1) > COPIES_TIE ? ratio < 1 : copiesOf(one.plan) < copiesOf(other.plan);
}

/** Whether a step's copies cost it less than what counts as hidden. */
export function isHidden({ exposedPrefetchS, collectiveInflationS, stepTimeS }: StepReport): boolean {
  return exposedPrefetchS + collectiveInflationS <= HIDDEN_SHARE * stepTimeS;
}

/** Chunks of a pass; of as many chunks, larger pieces are the fewer copies. */
function copiesOf({ blocks, chunkBytes, pieceBytes }: Plan): number {
  const pieces = pieceBytes > 0 ? 1 / pieceBytes : 0;
  return blocks.reduce(
    (sum, { windowBytes }) =>
      sum + windowBytes.reduce((count, bytes) => count + Math.ceil(bytes / chunkBytes), 0),
    pieces,
  );
}
