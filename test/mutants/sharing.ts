import type { MutantGroup } from './mutant.ts';

/** The max-min solver and the flows that it shares links among. */
export const SHARING: readonly MutantGroup[] = [
  {
    file: 'sim/sharing/progressiveFilling.ts',
    tests: ['test/sim/sharing/maxMinTerms.test.ts', 'test/sim/sharing/maxMin.test.ts'],
    mutants: [
      {
        breaks: 'the next level is not that of the resource that fills first',
        original: 'if (fill < lowest) lowest = fill;',
        mutated: 'lowest = fill;',
      },
      {
        breaks: 'rounding may lower the level',
        original: 'if (lowest > level) level = lowest;',
        mutated: 'level = lowest;',
      },
      {
        breaks: 'a flow at its bound just as a resource fills counts as held by the resource',
        original: 'bound[flow]! <= level * weight[flow]!',
        mutated: 'bound[flow]! < level * weight[flow]!',
      },
      {
        breaks: 'a bound ignores the weight',
        original: 'bound[flow]! <= level * weight[flow]!',
        mutated: 'bound[flow]! <= level',
      },
      {
        breaks: 'flows that stop at their bound leave nothing to the others',
        original: 'if (this.unfrozen < before) continue;',
        mutated: '',
      },
      {
        breaks: 'levels that differ by rounding alone are two',
        original: 'const tie = level * (1 + LEVEL_TIE);',
        mutated: 'const tie = level;',
      },
      {
        breaks: 'levels a thousandth apart are one',
        original: 'const LEVEL_TIE = 4e-16;',
        mutated: 'const LEVEL_TIE = 4e-3;',
      },
      {
        breaks: 'a frozen flow takes its rate of a resource, not coefficient times its rate',
        original: 'left[resource]! -= coefficient * rate;',
        mutated: 'left[resource]! -= rate;',
      },
      {
        breaks: 'a frozen flow leaves the load by its weight alone',
        original: 'load[resource]! -= coefficient * weight;',
        mutated: 'load[resource]! -= weight;',
      },
      {
        breaks: 'a load that has lost its digits is used',
        original: 'cancelled = true;',
        mutated: 'cancelled = false;',
      },
      {
        breaks: 'a load that is summed anew counts flows that have stopped',
        original: 'if (this.frozen[flow] === 0) load +=',
        mutated: 'load +=',
      },
      {
        breaks: 'a load has no coefficients',
        original: 'this.load[resource]! += coefficient * this.weight[flow]!;',
        mutated: 'this.load[resource]! += this.weight[flow]!;',
      },
      {
        breaks: 'a flow on a full resource gets the level, not its weight times the level',
        original: 'this.freeze(flow, level * weight[flow]!);',
        mutated: 'this.freeze(flow, level);',
      },
      {
        breaks: 'a flow goes beyond its bound',
        original: 'this.freeze(flow, bound[flow]!);',
        mutated: 'this.freeze(flow, level * weight[flow]!);',
      },
    ],
  },
  {
    file: 'sim/sharing/maxMin.ts',
    tests: ['test/sim/sharing/maxMin.test.ts'],
    mutants: [
      {
        breaks: 'a bound of 0 is taken',
        original: 'if (!(bound > 0))',
        mutated: 'if (!(bound >= 0))',
      },
      {
        breaks: 'a resource that is not there is taken',
        original: 'resource < capacities.length',
        mutated: 'resource <= capacities.length',
      },
    ],
  },
  {
    file: 'sim/sharing/flowSystem.ts',
    tests: ['test/sim/sharing/flowSystemTerms.test.ts', 'test/sim/sharing/flowSystem.test.ts'],
    mutants: [
      {
        breaks: 'soft limits share by flow alone, whatever the route weighs',
        original: 'flows.weight[flow]! * routes.softWeight[flows.route[flow]!]!',
        mutated: 'flows.weight[flow]!',
      },
      {
        breaks: 'behind soft limits a flow may move more than it asked for',
        original: '(flow) => this.newRate[flow]!,',
        mutated: '(flow) => flows.bound[flow]!,',
      },
      {
        breaks: 'a soft limit is a hard one',
        original: '? served(demand[resource]!, capacity[resource]!, sharpness[resource]!)',
        mutated: '? Math.min(demand[resource]!, capacity[resource]!)',
      },
      {
        breaks: 'what the demand alone fills up passes no change on',
        original: 'this.saturated[resource]! |= filling.saturated[resource]!',
        mutated: 'this.saturated[resource] = filling.saturated[resource]!',
      },
      {
        breaks: 'a flow by itself is not held back by a soft limit',
        original: 'served(wanted * coefficient, capacity[resource]!, sharpness[resource]!) / coefficient',
        mutated: 'wanted',
      },
      {
        breaks: 'what is left grows while a flow moves',
        original: 'const remaining = left[flow]! - rate[flow]! * (now - since[flow]!);',
        mutated: 'const remaining = left[flow]! + rate[flow]! * (now - since[flow]!);',
      },
      {
        breaks: 'less than nothing may be left',
        original: 'return remaining > 0 ? remaining : 0;',
        mutated: 'return remaining;',
      },
      {
        breaks: 'flows that finish at once end in the order of their slots',
        original: 'ripeSequence[j - 1]! > order',
        mutated: 'false',
      },
      {
        breaks: 'a flow that another completion has stopped is completed all the same',
        original: 'if (this.flows.sequence[flow] !== ripeSequence[i]) continue;',
        mutated: '',
      },
      {
        breaks: 'the second flow that leaves a route frees nothing',
        original: 'if (vacancies.open(route)) this.relieve(route);\n    else',
        mutated: 'if (!vacancies.open(route))',
      },
      {
        breaks: 'a place that nobody takes is not given to the flows that stay',
        original: 'if (vacancies.open(route)) this.relieve(route);\n    }',
        mutated: '}',
      },
      {
        breaks: 'flows that finish at once by their amounts do so only if their times agree',
        original: 'byTime > byAmount ? byTime : byAmount',
        mutated: 'byTime',
      },
      {
        breaks: 'flows that finish at once by their times do so only if nothing is left of them',
        original: 'byTime > byAmount ? byTime : byAmount',
        mutated: 'byAmount',
      },
      {
        breaks: 'usages are not brought up to date',
        original: 'used[resource] = region.usage[resource]!;',
        mutated: '',
      },
      {
        breaks: 'an idle resource keeps what rounding left',
        original: 'if (this.flows.linkCount[resource] === 0) this.used[resource] = 0;\n      else this',
        mutated: 'this',
      },
      {
        breaks: 'a flow that was not settled has moved since its start',
        original: 'flows.since[flow] = now;\n    flows.rate[flow] = rate;',
        mutated: 'flows.rate[flow] = rate;',
      },
    ],
  },
  {
    file: 'sim/sharing/vacancies.ts',
    tests: ['test/sim/sharing/flowSystemTerms.test.ts', 'test/sim/sharing/flowSystem.test.ts'],
    mutants: [
      {
        breaks: 'a flow of another weight takes over the rate',
        original: ' || this.weight[route] !== weight',
        mutated: '',
      },
      {
        breaks: 'a flow of another bound takes over the rate',
        original: ' || this.bound[route] !== bound',
        mutated: '',
      },
      {
        breaks: 'one place is taken twice',
        original: 'return 0;\n    this.rate[route] = 0;',
        mutated: 'return 0;',
      },
    ],
  },
  {
    file: 'sim/sharing/region.ts',
    tests: ['test/sim/sharing/flowSystemTerms.test.ts', 'test/sim/sharing/flowSystem.test.ts'],
    mutants: [
      {
        breaks: 'a change does not reach beyond a saturated resource',
        original: 'if (saturated[resource] !== 0) this.couple(resource);',
        mutated: '',
      },
      {
        breaks: 'a resource at the border may be overfull by a tenth',
        original: 'const CAPACITY_SLACK = 1e-12;',
        mutated: 'const CAPACITY_SLACK = 0.1;',
      },
      {
        breaks: 'flows beside those that changed keep their rates',
        original: 'this.addFlow(link >> table.linkBits);',
        mutated: '',
      },
    ],
  },
  {
    file: 'sim/sharing/finishTimes.ts',
    tests: ['test/sim/sharing/flowSystemTerms.test.ts', 'test/sim/sharing/flowSystem.test.ts'],
    mutants: [
      {
        breaks: 'the earliest of all is that of the last block of slots',
        original: 'if (finish < earliest) earliest = finish;',
        mutated: 'earliest = finish;',
      },
      {
        breaks: 'a flow that is ripe only now is not ripe',
        original: 'if (ripe[slot]! <= now) into',
        mutated: 'if (ripe[slot]! < now - 1e-9) into',
      },
    ],
  },
  {
    file: 'sim/sharing/routeTable.ts',
    tests: ['test/sim/sharing/flowSystemTerms.test.ts', 'test/sim/sharing/flowSystem.test.ts'],
    mutants: [
      {
        breaks: 'a resource named twice in a route counts once',
        original: '(uses.get(resource) ?? 0) + coefficient',
        mutated: 'coefficient',
      },
      {
        breaks: 'a route by itself is as fast as its widest resource',
        original: 'ceiling = Math.min(ceiling,',
        mutated: 'ceiling = Math.max(ceiling === Number.POSITIVE_INFINITY ? 0 : ceiling,',
      },
    ],
  },
];
