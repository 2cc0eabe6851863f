import type { Plan } from '../../model/plan/plan.ts';
import { planDocument } from '../../model/plan/planDocument.ts';
import type { Workload } from '../../model/workload/workload.ts';

/** Plans of a cell, each content and each name once. */
export class DistinctPlans {
  readonly plans: Plan[] = [];
  readonly #workload: Workload;
  /** Names by content. */
  readonly #names = new Map<string, string>();

  /** @param present plans that are there already; they stay first, under their names. */
  constructor(workload: Workload, present: readonly Plan[] = []) {
    this.#workload = workload;
    for (const plan of present) {
      this.#names.set(this.#contentOf(plan), plan.name);
      this.plans.push(plan);
    }
  }

  /**
   * Adds a plan unless one of the same content is there; a name that is taken gets a number.
   *
   * @returns the name under which the content is there.
   */
  add(plan: Plan): string {
    const content = this.#contentOf(plan);
    const same = this.#names.get(content);
    if (same !== undefined) return same;
    const taken = new Set(this.plans.map((other) => other.name));
    let { name } = plan;
    for (let number = 2; taken.has(name); number += 1) name = `${plan.name}-${number}`;
    this.#names.set(content, name);
    this.plans.push({ ...plan, name });
    return name;
  }

  #contentOf(plan: Plan): string {
    return JSON.stringify(planDocument({ ...plan, name: 'any' }, this.#workload));
  }
}
