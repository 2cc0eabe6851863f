import { MiB } from '../../model/input/byteUnits.ts';
import { UserError } from '../../model/input/userError.ts';
import { isNetworkFlow, phasesOf } from '../../model/physics/collectivePhases.ts';
import { linkRateAllLoading, runningRanks, weigh } from '../../model/physics/linkShare.ts';
import { pairRates } from '../../model/physics/rates.ts';
import type { System } from '../../model/system/system.ts';
import { transportOf } from '../../model/system/transport.ts';
import { predictCases } from '../calibration/predictReadings.ts';
import type { CaseReading } from '../calibration/readings.ts';
import { type Chart, name, number } from './chart.ts';
import { role, seriesRole } from './theme.ts';

const SHOWN = ['measured', 'predicted'] as const;

/**
 * Rates of copies and collectives beside each other: a panel for each transport, a full point for each reading of a calibration, joined
 * to the hollow one that the machine predicts of it, and the law of the link: the line on which both fill it, with what each side
 * does alone at its ends.
 *
 * @throws UserError for a calibration in which nothing ran beside copies.
 */
export function contentionChart(
  readings: readonly CaseReading[],
  system: System,
  title: string,
  subtitle: readonly string[],
): Chart {
  const points = pairedReadings(readings, system);
  if (points.length === 0)
    throw new UserError('the calibration has no collective beside copies; give one of two or more ranks');
  const panels = [...new Set(points.map(({ panel }) => panel))].sort();
  const laws = panels.flatMap((panel) => lawOf(points.find((point) => point.panel === panel)!, system));
  const most = (of: (rates: { h2dGbPerS: number; collectiveGbPerS: number }) => number) =>
    Math.max(...[...points, ...laws].map(of)) * 1.14;
  const domains = {
    h2d: most(({ h2dGbPerS }) => h2dGbPerS),
    collective: most(({ collectiveGbPerS }) => collectiveGbPerS),
  };
  return {
    title,
    subtitle: [
      ...subtitle,
      'chunks without a pause and with one, messages of several sizes; alone: the ends of the law',
    ],
    columns: 2,
    groups: panels.map((panel) => ({
      heading: laws.some((law) => law.panel === panel) ? panel : `${panel}: its pieces queue with the chunks`,
      views: [panelView(panel, domains)],
    })),
    rows: points.flatMap(({ predicted, ...measured }) => [
      { ...measured, shows: SHOWN[0] },
      { ...measured, ...predicted, shows: SHOWN[1] },
    ]),
    guides: {
      laws,
      pairs: points.map(({ predicted, ...own }) => ({
        ...own,
        toH2d: predicted.h2dGbPerS,
        toCollective: predicted.collectiveGbPerS,
      })),
    },
    legend: SHOWN,
    resolve: { scale: { color: 'shared', shape: 'shared' } },
  };
}

interface Rates {
  h2dGbPerS: number;
  collectiveGbPerS: number;
}

interface PairedReading extends Rates {
  panel: string;
  id: string;
  transport: string;
  groupSize: number;
  gpus: number;
  chunkMiB: number;
  pauseUs: number;
  sentMiB: number;
  predicted: Rates;
}

/** Cases that say both of the calls and of the copies beside them. */
function pairedReadings(readings: readonly CaseReading[], system: System): PairedReading[] {
  const together = readings.filter(({ parameters }) => parameters.kind === 'together');
  const predicted = predictCases(system, together);
  const at = (reading: CaseReading, quantity: CaseReading['quantity']) =>
    together.findIndex(
      (other) =>
        other.id === reading.id && other.groupSize === reading.groupSize && other.quantity === quantity,
    );
  return together.flatMap((reading, index) => {
    const { parameters, quantity, id, groupSize } = reading;
    if (quantity !== 'h2dBytesPerS' || parameters.kind !== 'together') return [];
    const call = at(reading, 'callS');
    if (call < 0) return [];
    const rates = (h2dBytesPerS: number, callS: number): Rates => ({
      h2dGbPerS: h2dBytesPerS / 1e9,
      collectiveGbPerS: parameters.sentBytes / callS / 1e9,
    });
    const { transport, gpus, chunkBytes, paceS, sentBytes } = parameters;
    return [
      {
        panel: `${transport}, ${groupSize} ranks`,
        ...{ id, transport, groupSize, gpus },
        ...{ chunkMiB: chunkBytes / MiB, pauseUs: paceS * 1e6, sentMiB: sentBytes / MiB },
        ...rates(reading.measured, together[call]!.measured),
        predicted: rates(predicted[index]!, predicted[call]!),
      },
    ];
  });
}

/**
 * The law of `weigh`: copies and the collective together fill the link, H2D + coefficient x collective = C, and neither goes faster than
 * alone. Between hosts links, NICs and host memory say what both do, so that only its corners are known. None of a transport whose
 * copies queue with the chunks, or that has two phases: the simulation alone says what they do.
 */
function lawOf({ panel, transport: called, groupSize }: PairedReading, system: System) {
  const plans = transportOf(system, called, groupSize);
  if (plans.kind !== 'flow') return [];
  const phases = phasesOf(system, plans, { collective: 'all-to-all', sentBytes: 1 }, groupSize);
  if (phases.length > 1) return [];
  const { transport } = phases[0]!;
  const rate = transport.collectives['all-to-all'];
  const [alone] = linkRateAllLoading(system, runningRanks(system, groupSize));
  const { downCoefficient } = weigh(rate, alone!);
  const place = (h2dBytesPerS: number, collectiveBytesPerS: number, label: string, order: number) => ({
    ...{ panel, label, order },
    ...{ h2dGbPerS: h2dBytesPerS / 1e9, collectiveGbPerS: collectiveBytesPerS / 1e9 },
  });
  if (isNetworkFlow(transport)) {
    const rates = pairRates(system, groupSize, transport, 'all-to-all');
    return [
      place(0, rates.collectiveAlone, 'alone', 0),
      place(rates.h2dShared, rates.collectiveShared, 'both', 2),
      place(rates.h2dAlone, 0, 'alone', 3),
    ];
  }
  return [
    place(0, rate.bytesPerS, 'alone', 0),
    place(Math.max(0, alone! - downCoefficient * rate.bytesPerS), rate.bytesPerS, '', 1),
    place(rate.besideH2d.h2d * alone!, rate.besideH2d.collective * rate.bytesPerS, 'both', 2),
    place(alone!, 0, 'alone', 3),
  ];
}

function panelView(panel: string, domains: { h2d: number; collective: number }) {
  const scale = (most: number) => ({ scale: { domain: [0, most], nice: false } });
  const x = number('h2dGbPerS', 'H2D copies (GB/s)', scale(domains.h2d));
  const y = number('collectiveGbPerS', 'collective (GB/s)', scale(domains.collective));
  const of = (data: string) => ({
    data: { name: data },
    transform: [{ filter: { field: 'panel', equal: panel } }],
  });
  const look = { domain: SHOWN, range: [seriesRole(0), seriesRole(1)] };
  return {
    height: { ofWidth: 0.7, most: 240 },
    layer: [
      {
        ...of('laws'),
        mark: {
          type: 'line',
          color: role('soft'),
          strokeWidth: 1.4,
          point: { color: role('soft'), size: 24 },
        },
        encoding: { x, y, order: number('order', null) },
      },
      {
        ...of('laws'),
        mark: {
          type: 'text',
          align: 'left',
          baseline: 'bottom',
          dx: 4,
          dy: -3,
          color: role('soft'),
        },
        encoding: { x, y, text: name('label', null) },
      },
      {
        ...of('pairs'),
        mark: { type: 'rule', color: role('line'), strokeWidth: 0.7 },
        encoding: { x, y, x2: { field: 'toH2d' }, y2: { field: 'toCollective' } },
      },
      {
        ...of('rows'),
        mark: { type: 'point', size: 26, strokeWidth: 1.1, opacity: 0.9 },
        encoding: {
          ...{ x, y },
          color: name('shows', null, { scale: look }),
          shape: name('shows', null, { scale: { domain: SHOWN, range: ['circle', 'diamond'] } }),
          tooltip: [
            ...[name('shows', 'shows'), name('transport', 'transport')],
            number('h2dGbPerS', 'H2D copies (GB/s)', { format: '.1f' }),
            number('collectiveGbPerS', 'collective (GB/s)', { format: '.1f' }),
            number('chunkMiB', 'chunks (MiB)', { format: '~g' }),
            number('pauseUs', 'pause between chunks (\u00b5s)', { format: '.0f' }),
            number('sentMiB', 'message (MiB)', { format: '~g' }),
            number('gpus', 'ranks that copy', { format: 'd' }),
          ],
        },
      },
    ],
  };
}
