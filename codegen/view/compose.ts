import type { Plan } from '../../model/plan/plan.ts';
import type { StepProgram } from '../../model/program/stepProgram.ts';
import type { System } from '../../model/system/system.ts';
import {
  type Carrier,
  NO_TRANSPORT,
  stagesInHostMemory,
  transportNamed,
} from '../../model/system/transport.ts';
import type { Workload } from '../../model/workload/workload.ts';
import type { PlacedBuffer } from '../dataflow/buffers.ts';
import type { FlowRecorder } from '../dataflow/flow.ts';
import {
  comment,
  constantName,
  cString,
  designated,
  identifier,
  Names,
  real,
  unsigned64,
  whole,
} from '../escape.ts';
import { callArguments } from './callArguments.ts';
import { routinesOf } from './routines.ts';
import {
  COLLECTIVE,
  isShown,
  type RoutineNames,
  ringPeriod,
  routineView,
  runsOf,
  type ShownStatement,
  shown,
  summaryOf,
} from './routineView.ts';
import type { KindView, PlanView } from './schema.ts';
import { stepStatements } from './statements.ts';

/** A block kind laid out: its flow, its buffers' places, its C++ names. */
export interface LaidOutKind {
  name: string;
  namespace: string;
  title: string;
  count: number;
  container: string;
  flow: FlowRecorder;
  buffers: readonly PlacedBuffer[];
  /** By compute segment: the constant that stands for it, and its seconds at the highest clock. */
  segments: readonly { constant: string; name: string; durationS: number }[];
}

const TENSOR_LAYOUT = { rows: 'Rows', columns: 'Columns' } as const;

export function kindViewOf(kind: LaidOutKind): KindView {
  const computes = kind.flow.segments.filter((segment) => segment.kind === 'compute');
  return {
    namespace: kind.namespace,
    title: comment(kind.title),
    buffers: kind.buffers.map((buffer) => ({
      constant: constantName(buffer.name),
      offset: unsigned64(buffer.offset),
      shape: comment(buffer.shape),
    })),
    weights: kind.flow.tensors.map((tensor) => {
      const rows = tensor.shape.length === 2 ? tensor.shape[0]! : 1;
      const columns = tensor.shape.reduce((product, side) => product * side, 1) / rows;
      return {
        constant: tensor.constant,
        offset: unsigned64(tensor.offset),
        shape: comment(
          `[${tensor.shape.join(', ')}]${tensor.layout === 'whole' ? '' : `, a shard of its ${tensor.layout}`}`,
        ),
        tensor: designated({
          name: cString(tensor.name),
          offset: unsigned64(tensor.offset),
          // A sharded vector is divided along its only side.
          rows: whole(tensor.layout === 'rows' && tensor.shape.length === 1 ? columns : rows),
          columns: whole(tensor.layout === 'rows' && tensor.shape.length === 1 ? 1 : columns),
          shard: tensor.layout === 'whole' ? undefined : `TensorLayout::${TENSOR_LAYOUT[tensor.layout]}`,
          parts: tensor.parts.length === 0 ? undefined : `{${tensor.parts.map(whole).join(', ')}}`,
          scale: `${real(Number(tensor.scale.toPrecision(6)))}f`,
          mean: tensor.mean === 0 ? undefined : `${real(tensor.mean)}f`,
        }),
      };
    }),
    segments: kind.segments.map(({ constant, name, durationS }, index) => ({
      constant,
      fn: `run_${constant}`,
      name: cString(name),
      durationS: real(Number(durationS.toPrecision(6))),
      calls: computes[index]!.calls.map(({ fn, args, comment: text }) => ({
        fn,
        argLines: wrapped(callArguments(fn, args)),
        comment: text,
      })),
    })),
  };
}

const LINE_LENGTH = 112;

/** Arguments on as few lines as keep them short. */
function wrapped(args: readonly string[]): string[] {
  const lines: string[] = [];
  for (const arg of args) {
    const longer = `${lines.at(-1)}, ${arg}`;
    if (lines.length > 0 && longer.length <= LINE_LENGTH) lines[lines.length - 1] = longer;
    else lines.push(arg);
  }
  return lines;
}

export interface ComposedPlan {
  view: Omit<PlanView, 'header' | 'claim' | 'constant' | 'index'>;
  /** By routine: its shown statements. */
  statements: Record<string, ShownStatement[]>;
  positions: { routine: string; ops: number[] }[];
}

/** The view of one plan: routines with their tables, and how a step runs through them. */
export function composePlan(
  workload: Workload,
  system: System,
  plan: Plan,
  program: StepProgram,
  kindAt: (position: number) => LaidOutKind,
): ComposedPlan {
  const { positions, points } = stepStatements(program);
  const routines = routinesOf(positions, (position) => kindAt(position).name);
  const routineAt = new Map(
    routines.flatMap((routine) => routine.positions.map((position, row) => [position, { routine, row }])),
  );
  const streamed = plan.blocks.filter((block) => block.windowBytes.length > 0);
  const slotOf = new Map<number, number>();
  const primed = new Map<number, number>();
  for (const op of program.ops) {
    if (op.kind !== 'copy' || op.role !== 'prefetch' || op.rank !== 0) continue;
    slotOf.set(op.target!.position, op.target!.slot);
    if (op.target!.stepsAhead === 1) primed.set(op.target!.position, op.target!.slot);
  }
  const own = program.ops.filter((op) => op.rank === 0);
  const pieces = own.filter((op) => op.kind === 'copy' && op.role === 'staging' && op.direction === 'd2h');
  const sums = own.filter((op) => op.kind === 'delay' && op.role === 'reduce').length;
  const kinds = [...new Set(positions.map(({ position }) => kindAt(position)))];
  return {
    view: {
      name: cString(plan.name),
      carrier: carrierOf(plan.transport, system),
      summary: summaryOf(workload, plan, streamed.length).map(comment),
      slots: whole(plan.slots),
      slotBytes: unsigned64(program.slotBytes),
      streamedPerStep: whole(program.streamedPerStep),
      ringPeriod: whole(ringPeriod(program)),
      piecesPerStep: whole(pieces.length),
      collectivesPerStep: whole(
        own.filter((op) => op.kind === 'collective' || (op.kind === 'mark' && op.role === 'collective-begin'))
          .length + sums,
      ),
      stagingBytes: unsigned64(stagesItself(plan, system) ? stagingBytes(kinds) : 0),
      points: points.map((name, number) => ({ constant: constantName(name), number: whole(number) })),
      collectives: kinds.flatMap((kind) => collectivesOf(kind, plan)),
      routines: routines.map((routine) =>
        routineView(
          routine,
          kindAt(routine.positions[0]!).title,
          routineNames(kindAt(routine.positions[0]!), points),
        ),
      ),
      runs: runsOf(positions.map(({ position }) => routineAt.get(position)!)),
      residentBytes: plan.blocks.map((block) => unsigned64(block.residentBytes)),
      slotOf: positions.map(({ position }) => whole(slotOf.get(position) ?? -1)),
      primed: [...primed].map(([position, slot]) => ({ position: whole(position), slot: whole(slot) })),
      hasPrimed: primed.size > 0,
    },
    statements: Object.fromEntries(
      routines.map((routine) => [
        routine.name,
        routine.statements.flatMap(({ statement }) => (isShown(statement) ? [shown(statement)] : [])),
      ]),
    ),
    positions: positions.map(({ position, statements }) => ({
      routine: routineAt.get(position)!.routine.name,
      ops: statements.flatMap((statement) => (isShown(statement) ? [statement.op] : [])),
    })),
  };
}

/** Whether a plan's collectives go through staging memory of the program's own. */
export function stagesItself({ transport }: Pick<Plan, 'transport'>, system: System): boolean {
  return transport !== NO_TRANSPORT && stagesInHostMemory(transportNamed(system, transport).carrier);
}

/** How a plan's collectives are carried, as the runtime's `Carrier`. @throws UserError for a transport that the machine has not. */
export function carrierOf(name: string, system: System): string {
  return carrierText(name === NO_TRANSPORT ? null : transportNamed(system, name).carrier);
}

/** A carrier as the runtime's `Carrier`; null where nobody carries anything. */
export function carrierText(carrier: Carrier | null): string {
  const by = carrier === null ? 'Nobody' : RUNTIME_CARRIERS[carrier.by];
  const kernel = carrier?.by === 'kernel' ? carrier : undefined;
  return designated({
    by: `Carrier::By::${by}`,
    ctas: kernel && whole(kernel.ctas),
    ring: kernel && kernel.ring > 0 ? whole(kernel.ring) : undefined,
  });
}

/** Names of the runtime's `Carrier::By`. */
const RUNTIME_CARRIERS = {
  nccl: 'Nccl',
  kernel: 'Kernel',
  'copy-engines': 'CopyEngines',
} as const satisfies Record<Carrier['by'], string>;

/** The most bytes that a rank writes to staging in one exchange. */
export function stagingBytes(kinds: readonly LaidOutKind[]): number {
  const written = kinds.flatMap((kind) =>
    kind.flow.segments.flatMap((segment) => {
      if (segment.kind !== 'collective') return [];
      const { collective, messageBytes } = segment.exchange;
      const { sp, tp } = kind.flow.shape;
      return [messageBytes * (collective === 'all-gather' ? 1 : sp * tp - 1)];
    }),
  );
  return Math.max(0, ...written);
}

function routineNames(kind: LaidOutKind, points: readonly string[]): RoutineNames {
  return {
    segment: (index) => `${kind.namespace}::${kind.segments[index]!.constant}`,
    collective: (index) => collectiveConstant(kind, index),
    point: (index) => constantName(points[index]!),
  };
}

function collectiveConstant(kind: LaidOutKind, index: number): string {
  const names = new Names();
  const collectives = kind.flow.segments.filter((segment) => segment.kind === 'collective');
  return collectives.map(({ name }) => names.unique(constantName(`${kind.namespace} ${name}`)))[index]!;
}

function collectivesOf(kind: LaidOutKind, plan: Plan): PlanView['collectives'] {
  const collectives = kind.flow.segments.filter((segment) => segment.kind === 'collective');
  return collectives.map(({ name, exchange }, index) => {
    const place = (buffer: string) =>
      `${kind.namespace}::${constantName(buffer)}${exchange.offsetBytes > 0 ? ` + ${unsigned64(exchange.offsetBytes)}` : ''}`;
    return {
      constant: collectiveConstant(kind, index),
      name: cString(name),
      kind: COLLECTIVE[exchange.collective],
      send: place(exchange.send),
      recv: place(exchange.recv),
      messageBytes: unsigned64(exchange.messageBytes),
      pieceBytes: unsigned64(Math.min(exchange.messageBytes, plan.pieceBytes || exchange.messageBytes)),
    };
  });
}

/** The namespace of each block kind. */
export function namespacesOf(kinds: readonly string[]): string[] {
  const names = new Names();
  return kinds.map((kind) => names.unique(identifier(kind)));
}
