import type { Json } from '@duckdb/node-api';
import { shown, UserError } from '../../../../model/input/userError.ts';
import { columnTitle } from '../../../../studies/plots/columnTitle.ts';
import {
  MOST_PANELS,
  type SweepAxes,
  type SweepPoint,
  sweepChart,
} from '../../../../studies/plots/sweepChart.ts';
import { Query } from '../../../../studies/query/query.ts';
import { tablesAt, unfinished } from '../../../../studies/query/tables.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import type { PlotSweepFlags } from './command.ts';

/** Points of a chart: more of them are a cloud, and a page of many megabytes. */
const MOST_POINTS = 20_000;
/** Colours that can be told apart. */
const MOST_SERIES = 16;

/** Draws columns of a sweep's results against each other. */
export async function run(folders: readonly string[], flags: PlotSweepFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  const tables = tablesAt(folders);
  if (tables.sweeps.length < folders.length)
    throw new UserError(
      `${shown(folders.join(' '))}: expected folders of results; steps have charts of their own`,
    );
  const query = await Query.open(tables);
  try {
    const points = await pointsOf(query, flags);
    refuseTooMany(points, flags);
    const notes = unfinished(tables);
    for (const note of notes) output.diagnostic(`note: ${note}\n`);
    const names = tables.sweeps.map(({ manifest }) => manifest.sweep).join(', ');
    const title = flags.title ?? `${columnTitle(flags.y)} against ${columnTitle(flags.x)}: ${names}`;
    const subtitle = [
      ...(flags.where === undefined ? [] : [`where ${flags.where}`]),
      ...tables.sweeps
        .filter((folder) => folder.done().length < folder.manifest.tasks)
        .map(
          (folder) =>
            `${folder.manifest.sweep} is unfinished: ${folder.done().length} of ${folder.manifest.tasks} tasks`,
        ),
    ];
    await plotChart(sweepChart(points, axesOf(flags, points), title, subtitle), flags, output);
  } finally {
    query.close();
  }
}

function axesOf({ x, y, by, facet, log }: PlotSweepFlags, points: readonly SweepPoint[]): SweepAxes {
  const logX = log?.includes('x') === true;
  const logY = log?.includes('y') === true;
  if (logX && points.some((point) => typeof point.x !== 'number' || point.x <= 0))
    throw new UserError(`--log ${log}: --x ${x} has values that are no numbers above 0; leave it out`);
  if (logY && points.some((point) => point.y <= 0))
    throw new UserError(`--log ${log}: --y ${y} has values that are not above 0; leave it out`);
  return { x, y, by: by ?? null, facet: facet ?? null, logX, logY };
}

/** On lines of their own: an expression may end in a comment. */
async function pointsOf(query: Query, { x, y, by, facet, where }: PlotSweepFlags): Promise<SweepPoint[]> {
  const text = (expression: string | undefined) =>
    expression === undefined ? "''" : `CAST((${expression}\n) AS VARCHAR)`;
  const sql = `SELECT x, y, series, panel FROM (
    SELECT (${x}\n) AS x, CAST((${y}\n) AS DOUBLE) AS y, ${text(by)} AS series, ${text(facet)} AS panel, point
    FROM sweep WHERE error IS NULL AND (${where ?? 'true'}\n))
    WHERE x IS NOT NULL AND y IS NOT NULL ORDER BY point LIMIT ${MOST_POINTS + 1}`;
  const points: SweepPoint[] = [];
  for await (const piece of (await query.read(sql)).pieces)
    for (const row of piece) points.push(pointOf(row));
  return points;
}

function pointOf([x, y, by, facet]: readonly Json[]): SweepPoint {
  return {
    x: typeof x === 'number' ? x : String(x),
    y: y as number,
    by: by === null ? 'none given' : String(by),
    facet: facet === null ? 'none given' : String(facet),
  };
}

function refuseTooMany(points: readonly SweepPoint[], { where, by, facet }: PlotSweepFlags): void {
  if (points.length === 0)
    throw new UserError(
      `${where === undefined ? '--y' : `--where ${where}`}: no row has both values; ask for others`,
    );
  if (points.length > MOST_POINTS)
    throw new UserError(`more than ${MOST_POINTS} rows; draw fewer with --where`);
  const series = new Set(points.map((point) => point.by)).size;
  if (series > MOST_SERIES)
    throw new UserError(
      `--by ${by}: has ${series} values, expected at most ${MOST_SERIES}; draw fewer with --where`,
    );
  const panels = new Set(points.map((point) => point.facet)).size;
  if (panels > MOST_PANELS)
    throw new UserError(
      `--facet ${facet}: has ${panels} values, expected at most ${MOST_PANELS}; draw fewer with --where`,
    );
}
