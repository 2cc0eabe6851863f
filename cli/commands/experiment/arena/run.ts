import { basename } from 'node:path';
import { type ArenaPlaces, arenaPlaces } from '../../../../measure/arenaPlaces.ts';
import { readArenas, type SurveyedArena } from '../../../../measure/arenaRecords.ts';
import {
  chanceRange,
  type IntraclassCorrelation,
  pooledCorrelation,
} from '../../../../measure/intraclassCorrelation.ts';
import { UserError } from '../../../../model/input/userError.ts';
import { randomNumbers } from '../../../../model/leastSquares/multiStart.ts';
import type { Output } from '../../../output.ts';
import { type Column, formatTable } from '../../../text/table.ts';

const SEED = 1;

interface Row {
  name: string;
  survey: { arena: SurveyedArena['arena']; places: ArenaPlaces } | null;
  slots: IntraclassCorrelation | null;
  blocks: IntraclassCorrelation | null;
}

const gbPerS = (rate: number | null | undefined) => (rate == null ? null : rate / 1e9);
const percent = (share: number | undefined) => (share === undefined ? null : share * 100);

const COLUMNS: readonly Column<Row>[] = [
  { header: 'survey', value: ({ name }) => name },
  { header: 'layout', value: ({ survey }) => survey?.arena.layout ?? null },
  { header: 'blocks', value: ({ survey }) => survey?.arena.blocks.length ?? null },
  { header: 'alone GB/s', value: ({ survey }) => gbPerS(survey?.places.aloneBytesPerS), digits: 1 },
  {
    header: 'in order: survey',
    value: ({ survey }) => gbPerS(survey?.places.inOrder.surveyBytesPerS),
    digits: 1,
  },
  { header: 'blocks', value: ({ survey }) => gbPerS(survey?.places.inOrder.blockBytesPerS), digits: 1 },
  { header: 'varies %', value: ({ survey }) => percent(survey?.places.inOrder.variation), digits: 1 },
  {
    header: 'placed: survey',
    value: ({ survey }) => gbPerS(survey?.places.placed.surveyBytesPerS),
    digits: 1,
  },
  { header: 'blocks', value: ({ survey }) => gbPerS(survey?.places.placed.blockBytesPerS), digits: 1 },
  { header: 'varies %', value: ({ survey }) => percent(survey?.places.placed.variation), digits: 1 },
  ...(['slots', 'blocks'] as const).flatMap((kind): Column<Row>[] => [
    { header: `${kind}: place %`, value: (row) => percent(row[kind]?.share), digits: 0 },
    { header: 'chance %', value: (row) => rangeText(row[kind]) },
  ]),
  {
    header: 'ranks alike: same moment',
    value: ({ survey }) => survey?.places.ranksAlike.sameMoment ?? null,
    digits: 2,
  },
  { header: 'same slot', value: ({ survey }) => survey?.places.ranksAlike.sameSlot ?? null, digits: 2 },
];

/** Shows how much of the spread of copy rates in pinned arenas is place and how much is time, and what steps each layout took. */
export function run(files: readonly string[], _flags: object, output: Output): void {
  const surveys = readArenas(files);
  if (surveys.length === 0)
    throw new UserError(`${files.join(', ')}: hold no arena record; measure with --survey-arena`);
  const random = randomNumbers(SEED);
  const rows = surveys.map((survey): Row => {
    const places = arenaPlaces(survey.arena, random);
    const { slots, blocks } = places;
    return { name: nameOf(survey), survey: { arena: survey.arena, places }, slots, blocks };
  });
  const all: Row = {
    ...{ name: 'all', survey: null },
    slots: pooledCorrelation(rows.flatMap(({ slots }) => slots ?? [])),
    blocks: pooledCorrelation(rows.flatMap(({ blocks }) => blocks ?? [])),
  };
  output.result(formatTable(COLUMNS, rows.length > 1 ? [...rows, all] : rows, output.layout));
  const steps = surveys.flatMap((survey) => survey.summaries.map((summary) => ({ survey, summary })));
  if (steps.length > 0) output.result(`\n${formatTable(STEP_COLUMNS, steps, output.layout)}`);
}

const STEP_COLUMNS: readonly Column<{
  survey: SurveyedArena;
  summary: SurveyedArena['summaries'][number];
}>[] = [
  { header: 'survey', value: ({ survey }) => nameOf(survey) },
  { header: 'layout', value: ({ survey }) => survey.arena.layout },
  { header: 'plan', value: ({ summary: { name, mode } }) => (mode === 'graph' ? `${name} (graph)` : name) },
  { header: 'median ms', value: ({ summary }) => summary.medianS * 1e3, digits: 2 },
  { header: '+- MAD', value: ({ summary }) => summary.madS * 1e3, digits: 2 },
];

function nameOf({ file, line }: SurveyedArena): string {
  return `${basename(file)}:${line}`;
}

function rangeText(correlation: IntraclassCorrelation | null): string | null {
  if (correlation === null) return null;
  const [least, most] = chanceRange(correlation);
  return `${(least * 100).toFixed(0)} to ${(most * 100).toFixed(0)}`;
}
