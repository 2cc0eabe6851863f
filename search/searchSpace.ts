import { MiB } from '../model/input/byteUnits.ts';
import { UserError } from '../model/input/userError.ts';
import { wrongBesideCompute } from '../model/plan/besideCompute.ts';
import { DEVICE_PAGE_BYTES } from '../model/plan/devicePage.ts';
import type { System } from '../model/system/system.ts';
import {
  distinctName,
  distinctTransports,
  joins,
  NO_TRANSPORT,
  type Transport,
  transportNamed,
} from '../model/system/transport.ts';
import type { Workload } from '../model/workload/workload.ts';
import { WINDOW_RULES, type WindowRule } from './dealWindows.ts';
import type { Backend } from './hidingRoom.ts';
import { classesOf } from './streamProgram.ts';

/**
 * Sizes of pieces that are tried, times the machine's own, which is the fastest that was measured. Smaller ones are as fast on paper,
 * but half the size measured up to 16 % slower where steps are short.
 */
const PIECE_FACTORS = [1, 2, 4] as const;

/** What is searched: the values of each variable of a plan. Residents are whole pages, of each class of blocks its own. */
export interface SearchSpace {
  backends: readonly Backend[];
  /** Infinity for a window's bytes in one copy. */
  chunkBytes: readonly number[];
  slots: readonly number[];
  windows: readonly WindowRule[];
  /** Whether open windows are also tried with pauses that spread the chunks over the block. */
  paced: boolean;
}

/** The space that `chunkflow plan` searches on a machine; over one transport if it is named. */
export function usualSpace(workload: Workload, system: System, transport?: string): SearchSpace {
  return {
    backends:
      workload.ranks > 1
        ? backendsOf(workload, system, transport)
        : [{ transport: NO_TRANSPORT, pieceBytes: 0 }],
    chunkBytes: [2, 4, 8, 16, 32, 64, 128].map((size) => size * MiB).concat(Number.POSITIVE_INFINITY),
    slots: [2, 3, 4],
    windows: workload.ranks > 1 ? WINDOW_RULES : ['open'],
    paced: true,
  };
}

/**
 * The transports of a machine that carry a workload's collectives, each that is made of pieces with several sizes of them.
 *
 * @throws UserError where the one that is named does not carry them, or none does.
 */
export function backendsOf(workload: Workload, system: System, transport?: string): Backend[] {
  const named =
    transport === undefined
      ? distinctTransports(system).filter((one) => isWorthwhile(system, one, workload.ranks))
      : [transportNamed(system, distinctName(system, transport))];
  const wrong = named.map((one) => wrongBesideCompute(workload, system, one));
  const fitting = named.filter((_, index) => wrong[index] === null);
  if (fitting.length === 0) throw new UserError(`--transport ${named[0]!.name}: ${wrong[0]}`);
  return fitting.flatMap((one) =>
    one.kind === 'staged-copy'
      ? PIECE_FACTORS.map((factor) => ({
          transport: one.name,
          pieceBytes: factor * one.pieceBytes,
        }))
      : [{ transport: one.name, pieceBytes: 0 }],
  );
}

/**
 * Whether a transport that nobody asked for is looked at: it reaches all ranks, a program can be made of it, and within a host it is
 * none that would only pass calls on to another.
 */
function isWorthwhile(system: System, transport: Transport, ranks: number): boolean {
  if (transport.kind !== 'flow' || transport.network === undefined) return joins(system, transport, ranks);
  return ranks > system.network!.gpusPerHost && transport.network.algorithm === 'flat';
}

/**
 * Plans of the space over one backend: of each class any number of pages stays, shared as equally as whole pages can be, or all of
 * it. Which blocks keep a page more is not counted.
 */
export function plansPerBackend(workload: Workload, space: SearchSpace): number {
  const classes = classesOf(workload);
  const residents = [...new Set(classes)].reduce((product, of) => {
    const { weightBytes } = workload.blocks[classes.indexOf(of)]!;
    const members = classes.filter((own) => own === of).length;
    const most = Math.max(0, Math.floor(weightBytes / DEVICE_PAGE_BYTES) - 1);
    return product * (members * most + 2);
  }, 1);
  const rules = space.windows.length + (space.paced && space.windows.includes('open') ? 1 : 0);
  return residents * space.slots.length * space.chunkBytes.length * rules;
}
