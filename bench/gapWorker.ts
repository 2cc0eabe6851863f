import { loadSolver } from '../search/solver.ts';
import { gapCases, gapOf } from './gaps.ts';

// One core's share of the gaps: of every so many cases one, each sent as soon as it is solved.
const [core, cores] = process.argv.slice(2).map(Number) as [number, number];
const highs = await loadSolver();
for (const one of gapCases().filter((_, index) => index % cores === core)) process.send!(gapOf(highs, one));
process.disconnect();
