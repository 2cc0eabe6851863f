import { shown, UserError } from '../../model/input/userError.ts';
import { orderSummary } from './planOrder.ts';
import type { HeldOutReport } from './report.ts';

/** What limits are held against: a report on measured steps, or on published ones, which say less. */
export type LimitedReport = Pick<HeldOutReport, 'all' | 'orders' | 'memory'>;

/** What `--fail-above` may name, and how it is read off a report: null where the report says nothing of it. */
const METRICS: Record<string, { of: (report: LimitedReport) => number | null; failsBelow?: true }> = {
  simulated: { of: ({ all }) => all.simulated.mape },
  closedForm: { of: ({ all }) => all.closedForm.mape },
  memory: { of: ({ memory }) => memory?.largest ?? null },
  tau: { of: ({ orders }) => orderSummary(orders).kendallTau?.mean ?? null, failsBelow: true },
};

/**
 * The limits of a report that are broken, one line each.
 *
 * @param limits such as `simulated=3%` or `tau=0.95`.
 * @throws UserError for a limit that names nothing, is no number, or of which the report says nothing.
 */
export function brokenLimits(report: LimitedReport, limits: readonly string[]): string[] {
  return limits.flatMap((limit) => {
    const [name = '', text = ''] = limit.split('=');
    const metric = Object.hasOwn(METRICS, name) ? METRICS[name]! : undefined;
    const number = Number(text.replace(/%$/, ''));
    if (metric === undefined || text.replace(/%$/, '').trim() === '' || Number.isNaN(number)) {
      throw new UserError(
        `--fail-above ${shown(limit)}: expected one of ${Object.keys(METRICS).join(', ')} with = and a number such as 3%`,
      );
    }
    const bound = text.endsWith('%') ? number / 100 : number;
    const value = metric.of(report);
    if (value === null)
      throw new UserError(`--fail-above ${shown(limit)}: these steps say nothing of ${name}; leave it out`);
    if (metric.failsBelow ? value >= bound : value <= bound) return [];
    const shownValue = text.endsWith('%') ? `${(value * 100).toFixed(2)} %` : value.toFixed(3);
    return [`${name} is ${shownValue}, ${metric.failsBelow ? 'below' : 'above'} ${text}`];
  });
}
