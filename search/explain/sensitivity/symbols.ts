import type { CollectiveKind, SegmentClass } from '../../../model/dit/kinds.ts';
import { copyRates } from '../../../model/physics/rates.ts';
import { withD2hNumbers, withH2dNumbers } from '../../../model/physics/variants/h2dRate.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import type { System } from '../../../model/system/system.ts';
import { collectiveTransport } from '../../../model/system/transport.ts';
import type { Workload } from '../../../model/workload/workload.ts';
import { constant, type Laurent, symbol, type Term } from './laurent.ts';

/** How a rate of collectives is called in an expression. */
export const RATE_SYMBOLS: Readonly<Record<CollectiveKind, string>> = {
  'all-to-all': 'allToAll',
  'all-gather': 'allGather',
  'all-reduce': 'allReduce',
};

/** How the rate of NICs is called in an expression. */
export const NETWORK_RATE = 'nic';

/** Relative change of a rate that shows how another one follows it. */
const LITTLE = 1e-6;

/**
 * The quantities that the expression of a step is made of, in SI units: `gemm`, `attention` and `elementwise` (efficiencies),
 * `peak` (FLOP/s), `hbm`, `h2d`, `d2h`, `allToAll`, `allGather`, `allReduce` (bytes/s), `latency`, `startUp`, `gap` (seconds),
 * `clock` (a fraction), `speed` (of measured compute, a factor). What is divided by and has several terms is a quantity of its own, a named sum.
 */
export class Symbols {
  readonly efficiency: Readonly<Record<SegmentClass, Laurent>>;
  readonly peak: Laurent;
  readonly hbm: Laurent;
  readonly clock: Laurent;
  /** Of compute that was measured, as a factor on what was measured. */
  readonly speed: Laurent;
  readonly h2d: Laurent;
  readonly d2h: Laurent;
  readonly startUpS: Laurent;
  readonly gapS: Laurent;
  readonly latencyS: Laurent;
  /** Only staged collectives have a use for it. */
  readonly #bothWays: () => Laurent;
  /** Of the two directions while both run. */
  readonly #d2hOverH2d: number;
  readonly #values = new Map<string, number>();
  /** Text of each named sum, by its name. */
  readonly #sums = new Map<string, string>();

  constructor(workload: Workload, system: System, plan: Plan, clock: number) {
    const { efficiency, peakFlops, hbmBytesPerS, copyEngine } = system.gpu;
    const { ranks } = workload;
    const { h2d, d2h, both, bothD2h } = copyRates(system, ranks);
    this.efficiency = {
      gemm: this.#quantity('gemm', efficiency.gemm),
      attention: this.#quantity('attention', efficiency.attention),
      elementwise: this.#quantity('elementwise', efficiency.elementwise),
    };
    this.peak = this.#quantity('peak', peakFlops);
    this.hbm = this.#quantity('hbm', hbmBytesPerS);
    this.clock = this.#quantity('clock', clock);
    this.speed = this.#quantity('speed', system.gpu.computeSpeed);
    this.h2d = this.#quantity('h2d', h2d);
    this.d2h = this.#quantity('d2h', d2h);
    this.startUpS = this.#quantity('startUp', copyEngine.startUpS);
    this.gapS = this.#quantity('gap', copyEngine.gapS);
    const latencyS = collectiveTransport(system, plan, ranks)?.latencyS ?? 0;
    this.latencyS = this.#quantity('latency', latencyS);
    this.#bothWays = () => this.#together(system, ranks);
    this.#d2hOverH2d = bothD2h / both;
  }

  /** H2D bytes/s while both directions run. */
  get both(): Laurent {
    return this.#bothWays();
  }

  /** D2H bytes/s while both directions run. */
  get bothD2h(): Laurent {
    return this.#bothWays().times(constant(this.#d2hOverH2d));
  }

  /** SI values of all quantities by name, without the named sums. */
  get values(): Record<string, number> {
    return Object.fromEntries(this.#values);
  }

  /** What the named sums are sums of, mathjs syntax. */
  get sums(): Record<string, string> {
    return Object.fromEntries(this.#sums);
  }

  /** The rate of one of the plan's collectives, alone. */
  rate(kind: CollectiveKind, bytesPerS: number): Laurent {
    return this.#quantity(RATE_SYMBOLS[kind], bytesPerS);
  }

  /** The payload rate of a NIC's port; switches above have so many times as much. */
  networkRate(bytesPerS: number): Laurent {
    return this.#quantity(NETWORK_RATE, bytesPerS);
  }

  /** A sum as a quantity of its own, to divide by; equal sums are the same one. A product stays as it is. */
  named(kind: string, sum: Laurent): Laurent {
    if (sum.terms.length < 2) return sum;
    const text = termTexts(sum).join(' + ');
    const known = [...this.#sums].find(([, other]) => other === text);
    const name = known?.[0] ?? `${kind}${this.#sums.size + 1}`;
    this.#sums.set(name, text);
    return symbol(name, sum.value);
  }

  #quantity(name: string, value: number): Laurent {
    this.#values.set(name, value);
    return symbol(name, value);
  }

  /** Both directions at once are held back by either engine, or by a resource that they share in proportion. */
  #together(system: System, ranks: number): Laurent {
    const { h2d, d2h, both } = copyRates(system, ranks);
    if (both === h2d) return this.h2d;
    if (both === d2h) return this.d2h;
    const follows = (faster: System) => (copyRates(faster, ranks).both / both - 1) / LITTLE;
    const ofH2d = follows(withH2dNumbers(system, 1 + LITTLE));
    const ofD2h = follows(withD2hNumbers(system, 1 + LITTLE));
    const fixed = 1 - ofH2d - ofD2h;
    const sum = this.h2d
      .times(constant((ofH2d * both) / h2d))
      .plus(this.d2h.times(constant((ofD2h * both) / d2h)))
      .plus(constant(fixed > LITTLE ? both * fixed : 0));
    return this.named('bothWays', sum);
  }
}

/** The terms of a sum in mathjs's syntax. */
export function termTexts({ terms }: Laurent): string[] {
  return terms.map(termText);
}

function termText({ coefficient, powers }: Term): string {
  const entries = Object.entries(powers);
  const factor = (name: string, power: number) => (power === 1 ? name : `${name}^${power}`);
  const over = entries.filter(([, power]) => power > 0).map(([name, power]) => factor(name, power));
  const under = entries.filter(([, power]) => power < 0).map(([name, power]) => factor(name, -power));
  const top = coefficient === 1 && over.length > 0 ? over : [String(coefficient), ...over];
  return under.length === 0 ? top.join(' * ') : `${top.join(' * ')} / (${under.join(' * ')})`;
}
