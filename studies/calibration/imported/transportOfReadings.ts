import { basename } from 'node:path';
import { max, median } from 'simple-statistics';
import { parseDocument } from 'yaml';
import { COLLECTIVE_KINDS, type CollectiveKind } from '../../../model/dit/kinds.ts';
import { MiB } from '../../../model/input/byteUnits.ts';
import { shown, UserError } from '../../../model/input/userError.ts';
import type { System } from '../../../model/system/system.ts';
import { FLOW_CARRIERS, type FlowKey, type TransportPath } from '../../../model/system/transport.ts';
import type { CollectiveReading } from '../../imports/importedReading.ts';
import { type FittedEntry, written } from '../machineValues.ts';

/** The transport that readings are taken to be of, and why. */
export interface ChosenTransport {
  name: FlowKey;
  why: string;
  isThere: boolean;
}

const PATHS: Readonly<Record<FlowKey, TransportPath>> = { shm: 'host', p2p: 'peer', nvlink: 'nvlink' };
/** Messages so large that a start-up hides no rate. */
const LARGE_BYTES = 16 * MiB;
/** NVLinks are several times as fast as a link to the host: what is slower than that did not cross them. */
const BELOW_LINK = 0.9;
/** A rate so far above a GPU's link did not cross it. */
const BEYOND_LINK = 1.1;
/** As on pairs of H200 and of H100 PCIe; what is fitted replaces it. */
const LATENCY = '20 us';

/**
 * The transport of NCCL that nccl-tests ran over, which their output does not say: what is asked for; NVLink where no link to the host
 * is as fast, or a topology has it and nothing says that it was slower than such a link; else the machine's own.
 *
 * @throws UserError for a transport that NCCL does not carry.
 */
export function chosenTransport(
  readings: readonly CollectiveReading[],
  { transports, defaultTransport, tree, gpus }: System,
  { asked, isNvlinked }: { asked?: string; isNvlinked: boolean },
): ChosenTransport | null {
  const names = Object.keys(FLOW_CARRIERS) as FlowKey[];
  const isThere = (name: string) => transports.some((one) => one.name === name);
  if (asked !== undefined) {
    const name = names.find((known) => known === asked);
    if (name === undefined)
      throw new UserError(`--transport ${shown(asked)}: expected one of NCCL's, ${names.join(', ')}`);
    return readings.length === 0 ? null : { name, why: 'as asked for', isThere: isThere(name) };
  }
  if (readings.length === 0) return null;
  const link = tree.find(({ id }) => id === gpus[0])!.downBytesPerS;
  const fastest = max(readings.map(rateOf));
  if (fastest > BEYOND_LINK * link) {
    const why = `${gb(fastest)} GB/s is more than a GPU's link to its host has, ${gb(link)}`;
    return { name: 'nvlink', why, isThere: isThere('nvlink') };
  }
  const large = readings.filter(({ sentBytes }) => sentBytes >= LARGE_BYTES).map(rateOf);
  const isSlow = large.length > 0 && max(large) < BELOW_LINK * link;
  if (isNvlinked && !isSlow)
    return { name: 'nvlink', why: 'the topology has NVLinks', isThere: isThere('nvlink') };
  const known = names.filter((name) => isThere(name) && !(isSlow && name === 'nvlink'));
  const name = known.find((one) => one === defaultTransport) ?? known[0] ?? 'shm';
  const why =
    isSlow && (isNvlinked || defaultTransport === 'nvlink')
      ? `${gb(max(large))} GB/s is less than a GPU's link to its host has, ${gb(link)}, as with NCCL_P2P_DISABLE=1`
      : known.length === 0
        ? "NCCL's through host memory"
        : "the machine's";
  return { name, why, isThere: isThere(name) };
}

interface Started {
  text: string;
  entries: Map<string, FittedEntry>;
  notes: string[];
}

/**
 * A machine's file with the transport's rates as its largest messages measured them, from which the fit starts and which stand where
 * it decides none. A machine without the transport gets it.
 */
export function withTransport(
  text: string,
  chosen: ChosenTransport | null,
  readings: readonly CollectiveReading[],
): Started {
  const entries = new Map<string, FittedEntry>();
  if (chosen === null) return { text, entries, notes: [] };
  const { name, why, isThere } = chosen;
  const notes = [`nccl-tests are taken to have run over ${name}: ${why}; --transport says otherwise`];
  const document = parseDocument(text);
  const at = ['transports', name];
  const set = (path: readonly string[], value: unknown) =>
    document.setIn([...at, ...path], document.createNode(value, { flow: typeof value === 'object' }));
  const assumed = (is: string | number, source: string) => ({ is, from: 'default', source });
  const largest = Math.max(...readings.map(({ ranks }) => ranks));
  const ofLargest = readings.filter(({ ranks }) => ranks === largest);
  const measured = new Map(
    COLLECTIVE_KINDS.flatMap((kind) => {
      const rate = largeRate(ofLargest, kind);
      return rate === null ? [] : [[kind, rate] as const];
    }),
  );
  if (!isThere) {
    set(['path'], PATHS[name]);
    set(['latency'], assumed(LATENCY, 'not measured'));
    document.set('defaultTransport', name);
    if (!measured.has('all-to-all')) {
      const [kind, rate] = [...measured][0]!;
      set(['all-to-all', 'rate'], { ...rate, from: 'default', source: `as its ${kind}; ${rate.source}` });
      set(['all-to-all', 'besideH2d'], equalShares());
      notes.push(`no all-to-all was measured: it has the rate of the ${kind} as a default`);
    }
  } else if (!measured.has('all-to-all'))
    notes.push("no all-to-all was measured: it keeps the machine's rate");
  for (const [kind, rate] of measured) {
    const hasShares = document.hasIn([...at, kind, 'besideH2d']);
    const shares = document.getIn([...at, 'all-to-all', 'besideH2d']) as { toJSON(): unknown } | undefined;
    set([kind, 'rate'], rate);
    if (!hasShares)
      set([kind, 'besideH2d'], shares === undefined ? equalShares() : sharesAsDefault(shares.toJSON()));
    entries.set(`transports.${name}.${kind}.rate`, rate);
  }
  return { text: document.toString({ lineWidth: 0 }), entries, notes };
}

function equalShares() {
  const half = { is: 0.5, from: 'default', source: 'equal shares' };
  return { collective: half, h2d: { ...half } };
}

function sharesAsDefault(shares: unknown): unknown {
  const entries = Object.entries(shares as Record<string, { is: unknown }>);
  return Object.fromEntries(
    entries.map(([key, { is }]) => [key, { is, from: 'default', source: "the all-to-all's" }]),
  );
}

/** Bytes/s of the largest message of a kind, the median where it was measured several times; null where it was not. */
function largeRate(readings: readonly CollectiveReading[], kind: CollectiveKind): FittedEntry | null {
  const of = readings.filter(({ collective }) => collective === kind);
  if (of.length === 0) return null;
  const most = max(of.map(({ sentBytes }) => sentBytes));
  const large = of.filter(({ sentBytes }) => sentBytes === most);
  return {
    is: written(median(large.map(rateOf)) / 1e9, 'GB/s'),
    from: 'measured',
    source: `nccl-tests, ${basename(large[0]!.source)}`,
  };
}

function rateOf({ sentBytes, seconds }: CollectiveReading): number {
  return sentBytes / seconds;
}

function gb(bytesPerS: number): string {
  return (bytesPerS / 1e9).toFixed(1);
}
