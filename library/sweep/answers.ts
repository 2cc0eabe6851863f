import { predict } from '../../model/analytic/predict.ts';
import type { StepReport } from '../../model/analytic/report.ts';
import { predictStep } from '../../model/analytic/stepReport.ts';
import { UserError } from '../../model/input/userError.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { isNoOffload } from '../../model/plan/recipe.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { type Scenario, type ScenarioSources, scenarioOf } from '../../model/scenario/scenario.ts';
import { simulate } from '../../sim/simulate.ts';
import { type Row, type SetColumn, setColumns } from '../../studies/sweep/columns.ts';
import type { SweepPoint } from '../../studies/sweep/points.ts';
import type { Sweep } from '../../studies/sweep/sweep.ts';
import { capsOf } from '../plan/values.ts';
import { foundRows } from './foundRows.ts';
import { keptSources } from './keptSources.ts';
import { askedRow, doubtRow, fitRow, reportRow, scenarioRow } from './reportRow.ts';

/** What an interpreter says of a plan, beside its report. */
interface Interpreted {
  report: StepReport;
  more: Row;
}

/** Workload and machine of a block of points, and what their plans are held against. */
interface Shared {
  scenario: Scenario;
  row: Row;
  /** By transport. */
  baselines: Map<string, { plan: Plan; report: StepReport }>;
}

/** A plan's outcome without caps, which the next point may only hold against another cap. */
interface LastPlan {
  block: string;
  text: string;
  report: StepReport;
  row: Row;
}

/**
 * Answers points of a sweep. What neighbours share is kept: models and machines, the workload and no offload of a block, the plan
 * that only caps differ in. No answer depends on what was asked before.
 */
export class SweepAnswers {
  readonly #sweep: Sweep;
  readonly #sets: readonly SetColumn[];
  readonly #sources: ScenarioSources = keptSources();
  #block: { key: string; shared: Shared | UserError } | null = null;
  #plan: LastPlan | null = null;

  constructor(sweep: Sweep) {
    this.#sweep = sweep;
    this.#sets = setColumns(sweep.grids);
  }

  /** The point's rows: one, but for fronts; of what does not fit together, one that says why. */
  async rowsOf(point: SweepPoint): Promise<Row[]> {
    const asked = askedRow(point, this.#sets);
    try {
      const answers = point.plan === null ? await this.#found(point) : [this.#interpreted(point, point.plan)];
      return answers.map((answer) => ({ ...asked, ...answer }));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return [{ ...asked, error: error.message }];
    }
  }

  async #found({ grid, question, caps }: SweepPoint): Promise<Row[]> {
    // Every cap is a search of its own, which simulates no offload anyway: nothing is shared but models and machines.
    const scenario = scenarioOf({ ...question, plan: ['none'] }, this.#sources);
    const own = scenarioRow(scenario);
    const rows = await foundRows(scenario, {
      ...{ ...question, ...caps },
      ...(grid.front !== null && { front: grid.front }),
    });
    return rows.map((row) => ({ ...own, ...row }));
  }

  #interpreted(point: SweepPoint, text: string): Row {
    const { scenario, row: own, baselines } = this.#sharedOf(point);
    const { workload, system } = scenario;
    const key = blockKey(point);
    if (this.#plan?.block !== key || this.#plan.text !== text) {
      const plan = makePlan(text, workload, system, point.question.transport);
      const { report, more } = this.#interpret(point, scenario, plan);
      const none = isNoOffload(plan.recipe)
        ? { plan, report }
        : this.#baseline(point, scenario, plan.transport, baselines);
      const noneS = none.report.stepTimeS;
      const stepS = report.stepTimeS;
      const row = {
        ...{ ...reportRow(report), plan: plan.name, noneS, versusNone: stepS / noneS, ...more },
        ...(this.#sweep.doubt ? doubtRow(stepS, noneS, [workload, system, plan, none.plan]) : {}),
      };
      this.#plan = { block: key, text, report, row };
    }
    const { report, row } = this.#plan;
    return { ...own, ...row, ...fitRow(report, capsOf(point.caps, workload, system)) };
  }

  #sharedOf(point: SweepPoint): Shared {
    const key = blockKey(point);
    if (this.#block?.key !== key) this.#block = { key, shared: this.#share(point) };
    const { shared } = this.#block;
    if (shared instanceof UserError) throw shared;
    return shared;
  }

  #share({ question }: SweepPoint): Shared | UserError {
    try {
      const scenario = scenarioOf(question, this.#sources);
      return { scenario, row: scenarioRow(scenario), baselines: new Map() };
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
  }

  #interpret({ grid }: SweepPoint, { workload, system }: Scenario, plan: Plan): Interpreted {
    if (grid.ask === 'predict') {
      const ask = this.#sweep.breakEven ? predict : predictStep;
      return { report: ask(workload, system, plan), more: {} };
    }
    const { report, steady } = simulate(workload, system, plan, { breakEven: false });
    return { report, more: { closedFormS: predictStep(workload, system, plan).stepTimeS, steady } };
  }

  #baseline(
    point: SweepPoint,
    scenario: Scenario,
    transport: string,
    baselines: Shared['baselines'],
  ): { plan: Plan; report: StepReport } {
    const known = baselines.get(transport);
    if (known !== undefined) return known;
    const plan = makePlan('none', scenario.workload, scenario.system, transport);
    const made = { plan, report: this.#interpret(point, scenario, plan).report };
    baselines.set(transport, made);
    return made;
  }
}

function blockKey({ grid, block }: SweepPoint): string {
  return `${grid.name} ${block}`;
}
