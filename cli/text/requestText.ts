import type { PlanReport } from '../../documents/planReport.ts';
import { significant } from './answer.ts';
import { fitsMachine } from './boundWords.ts';
import type { Layout } from './layout.ts';
import { type Column, formatTable } from './table.ts';
import { paragraph } from './wrap.ts';

interface Requested {
  plan: string;
  request: NonNullable<PlanReport['request']>;
}

const REQUEST_COLUMNS: readonly Column<Requested>[] = [
  { header: 'plan', value: ({ plan }) => plan },
  { header: 'total s', value: ({ request }) => request.totalS, digits: 2 },
  {
    header: '95 % interval',
    value: ({ request: { intervalS } }) => intervalS.map(significant).join('-'),
  },
  { header: 'steady step s', value: ({ request }) => request.stepS, digits: 3 },
  { header: 'first step +s', value: ({ request }) => request.coldS, digits: 3 },
  { header: 'switches', value: ({ request }) => request.switches },
  { header: 'each s', value: ({ request }) => request.switchS, digits: 3 },
  { header: 'before and after s', value: ({ request }) => request.beforeS + request.afterS, digits: 2 },
];

/** The time of a whole request, where one was asked about: of the plans that fit, since no other has one. */
export function requestText(plans: readonly PlanReport[], layout: Layout): string {
  const asked = plans.flatMap((report) =>
    report.request === null ? [] : [{ ...report, request: report.request }],
  );
  if (asked.length === 0) return '';
  const { steps } = asked[0]!.request;
  const fitting = asked.filter(({ boundBy }) => fitsMachine(boundBy));
  const others = asked.filter((one) => !fitting.includes(one)).map(({ plan }) => plan);
  return [
    `\nA request of ${steps} step${steps === 1 ? '' : 's'}:\n\n`,
    fitting.length > 0 ? formatTable(REQUEST_COLUMNS, fitting, layout) : '',
    fitting.length > 0 && others.length > 0 ? '\n' : '',
    others.length > 0 ? paragraph(`left out, since it does not fit: ${others.join(', ')}`, layout) : '',
  ].join('');
}
