import { grouped } from '../../model/input/grouped.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import { compareNodes, type NodeComparison, type NodeFinding } from '../nodes/compareNodes.ts';
import { addStep, noFacts } from '../nodes/nodeFacts.ts';
import type { MeasuredNode } from '../nodes/nodeSources.ts';
import { ReadingsOfNode } from '../nodes/quantity.ts';
import { addStepTimes } from '../nodes/stepReadings.ts';
import { type ComparedStep, samplesOf } from './compareSteps.ts';
import { noiseFloor } from './noiseFloor.ts';
import { orderSummary } from './planOrder.ts';
import { type ClassErrors, HeldOutErrors } from './report.ts';

/** Errors of the steps of one node. */
export interface NodeErrors extends ClassErrors {
  /** Mean Kendall's tau of its workloads' plans; null where no two of them measure apart. */
  kendallTau: number | null;
}

/** How far predictions are off node by node, and which node's steps take other times than the same plans do on the others. */
export interface NodeErrorReport extends Pick<NodeComparison, 'falseAlarms' | 'comparisons'> {
  nodes: NodeErrors[];
  findings: NodeFinding[];
}

interface OfNode {
  errors: HeldOutErrors;
  visits: Map<string, number[]>;
  readings: ReadingsOfNode;
  facts: MeasuredNode['facts'];
}

/**
 * Sums up errors by node. Predictions of one plan are the same on all nodes, so that the bias of a node stands out where its steps do:
 * plan by plan of those that it has in common with others, against the noise of its rounds and what sound nodes differ by.
 */
export class ErrorsByNode {
  readonly #nodes = new Map<string, OfNode>();

  add(step: ComparedStep, run: StepRun): void {
    const own = this.#of(step.node);
    own.errors.add(step);
    const samples = samplesOf(run);
    const visits = own.visits.get(samples);
    if (visits === undefined) own.visits.set(samples, [...run.visitS]);
    else visits.push(...run.visitS);
    // A step of several nodes is none's own.
    if (run.nodes !== undefined) return;
    addStepTimes(own.readings, run);
    addStep(own.facts, run);
  }

  report(): NodeErrorReport {
    const all = [...this.#nodes].sort(([a], [b]) => (a < b ? -1 : 1));
    const nodes = all.map(([name, { errors, visits }]): NodeErrors => {
      const noises = new Map([...visits].map(([samples, visitS]) => [samples, noiseFloor(visitS)]));
      const { all: own, orders } = errors.report(noises);
      return { ...own, name, kendallTau: orderSummary(orders).kendallTau?.mean ?? null };
    });
    const measured = all.map(([name, { readings, facts }]) => ({
      ...{ name, facts, readings: readings.all(), files: [] },
    }));
    const { findings, falseAlarms, comparisons } = compareNodes(
      measured.filter(({ readings }) => readings.length > 0),
    );
    return { nodes, findings, falseAlarms, comparisons };
  }

  #of(node: string): OfNode {
    let own = this.#nodes.get(node);
    if (own === undefined) {
      own = {
        errors: new HeldOutErrors(0),
        visits: new Map(),
        readings: new ReadingsOfNode(),
        facts: noFacts(),
      };
      this.#nodes.set(node, own);
    }
    return own;
  }
}

/** What is said of nodes' biases in few words, one line each. */
export function nodeBiasLines({ nodes, findings, falseAlarms, comparisons }: NodeErrorReport): string[] {
  if (nodes.length < 2) return [];
  const level = `${comparisons} comparisons; chance alone would name a node in at most ${falseAlarms * 100} of 100 sound fleets`;
  if (comparisons === 0)
    return ['no plan was measured on two nodes of one kind: their biases cannot be compared'];
  if (findings.length === 0) return [`no node's bias stands out from the others (${level})`];
  const byNode = [...grouped(findings, ({ node }) => node)];
  return [...byNode.flatMap(([, own]) => own.map(biasLine)), level];
}

function biasLine({ node, gpu, quantity, apart, standing, direction, statistics }: NodeFinding): string {
  const which = gpu === null ? node : `${node}, GPU ${gpu.pciBus}`;
  const far = `take ${(Math.abs(apart) * 100).toFixed(1)} % ${apart > 0 ? 'longer' : 'less'} than the same plans on the other nodes`;
  return `${which} ${standing === 'ill' ? 'is ill' : standing}: ${quantity}, ${far} (${direction}, z ${statistics!.z.toFixed(1)}, chance ends at ${statistics!.leastZ.toFixed(1)})`;
}
