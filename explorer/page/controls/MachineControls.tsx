import { TOPOLOGIES } from '../../../model/system/cards/topologies.ts';
import { GUIDANCE_MODES } from '../../../model/workload/workload.ts';
import { gibibytes, gibibytesNumber } from '../text/units.ts';
import { Choice } from './Choice.tsx';
import { Combobox } from './Combobox.tsx';
import type { ControlsProps } from './controls.ts';
import { Slider } from './Slider.tsx';

const GiB = 2 ** 30;
const PCIE = ['3x8', '3x16', '4x4', '4x8', '4x16', '5x4', '5x8', '5x16'];
const DEGREES = ['1', '2', '4', '8'];

/** Fields that another machine may not take. */
const OF_ONE_MACHINE = {
  ...{ gpus: undefined, pcie: undefined, topology: undefined, transport: undefined, gpuMemory: undefined },
  ...{ hostMemory: undefined, sp: undefined, ring: undefined, tp: undefined, set: undefined },
} as const;

/** Where it runs: the machine or card, how the work is divided, and how much memory it may take. */
export function MachineControls(props: ControlsProps) {
  const { state, change, lists, mistakeAt } = props;
  const card = lists.cards.find(({ id }) => id === cardOf(state.machine ?? ''));
  const options = [
    ...lists.machines.map(({ id, gpus, memoryBytes }) => ({
      ...{ value: id, label: id, group: 'Machines' },
      detail: `${gpus} x ${gibibytes(memoryBytes)}`,
    })),
    ...lists.cards.map(({ id, name, memoryBytes }) => ({
      ...{ value: id, label: id, group: 'Cards' },
      detail: `${name}, ${gibibytes(memoryBytes)}`,
    })),
  ];
  return (
    <fieldset>
      <legend>Machine</legend>
      <Combobox
        id="machine"
        label="Machine or card"
        value={state.machine ?? ''}
        options={options}
        mistake={mistakeAt('machine')}
        onValue={(machine) => change({ ...OF_ONE_MACHINE, machine })}
      />
      {card !== undefined && <CardControls {...props} />}
      {state.profile === undefined && <RankControls {...props} />}
      <TransportControl {...props} />
      <MemoryCap {...props} />
    </fieldset>
  );
}

/** The card of a machine's text, `2xrtx-4090,pcie=4x8`. */
function cardOf(machine: string): string {
  return machine.split(',')[0]!.replace(/^\d+x/, '');
}

function CardControls({ state, change, mistakeAt }: ControlsProps) {
  return (
    <>
      <Slider
        {...{ id: 'gpus', label: 'GPUs', text: state.gpus ?? '', usual: '1', min: 1, max: 8, step: 1, at: 1 }}
        mistake={mistakeAt('gpus')}
        onText={(given) => change({ gpus: given === '' ? undefined : given })}
      />
      <div class="pair">
        <Choice
          id="pcie"
          label="PCIe"
          value={state.pcie ?? ''}
          usual="the card's"
          options={PCIE.map((value) => ({ value, label: `gen ${value.replace('x', ', x')}` }))}
          mistake={mistakeAt('pcie')}
          onValue={(pcie) => change({ pcie })}
        />
        <Choice
          id="topology"
          label="Topology"
          value={state.topology ?? ''}
          usual="separate"
          options={TOPOLOGIES.filter((name) => name !== 'separate')}
          mistake={mistakeAt('topology')}
          onValue={(topology) => change({ topology })}
        />
      </div>
    </>
  );
}

function RankControls({ state, change, prediction, mistakeAt }: ControlsProps) {
  const workload = prediction?.workload.from === 'model' ? prediction.workload : null;
  return (
    <div class="triple">
      <Choice
        id="sp"
        label="SP"
        value={state.sp === undefined ? '' : String(state.sp)}
        usual={workload === null || state.sp !== undefined ? 'auto' : `auto: ${workload.sp}`}
        options={DEGREES}
        mistake={mistakeAt('sp')}
        onValue={(sp) => change({ sp: sp === undefined ? undefined : Number(sp) })}
      />
      <Choice
        id="tp"
        label="TP"
        value={state.tp === undefined ? '' : String(state.tp)}
        usual="1"
        options={DEGREES.slice(1)}
        mistake={mistakeAt('tp')}
        onValue={(tp) => change({ tp: tp === undefined ? undefined : Number(tp) })}
      />
      <Choice
        id="cfg"
        label="Guidance"
        value={state.cfg ?? ''}
        usual={workload === null || state.cfg !== undefined ? "the model's" : workload.cfg}
        options={GUIDANCE_MODES.filter((mode) => state.cfg !== undefined || mode !== workload?.cfg)}
        mistake={mistakeAt('cfg')}
        onValue={(cfg) => change({ cfg: cfg as never })}
      />
    </div>
  );
}

function TransportControl({ state, change, lists, prediction, mistakeAt }: ControlsProps) {
  const machine = lists.machines.find(({ id }) => id === state.machine);
  return (
    <Choice
      id="transport"
      label="Transport of collectives"
      value={state.transport ?? ''}
      usual={
        prediction === null || state.transport !== undefined
          ? "the machine's"
          : `the machine's: ${prediction.machine.transport}`
      }
      options={machine?.transports ?? []}
      mistake={mistakeAt('transport')}
      onValue={(transport) => change({ transport })}
    />
  );
}

/** Of each GPU; what a plan may take, and what the search keeps to. */
function MemoryCap({ state, change, prediction, mistakeAt }: ControlsProps) {
  const all = (prediction?.machine.gpuMemoryBytes ?? 80 * GiB) / GiB;
  const text = state.gpuMemory?.replace(/GiB$/, '') ?? '';
  return (
    <Slider
      {...{ id: 'gpu-memory', label: 'Memory cap', unit: 'GiB', text, min: 1, max: Math.floor(all) }}
      {...{ step: all > 32 ? 1 : 0.5, at: Math.floor(all), usual: gibibytesNumber(all * GiB) }}
      mistake={mistakeAt('gpuMemory')}
      onText={(given) => change({ gpuMemory: given.trim() === '' ? undefined : withUnit(given) })}
      onReset={state.gpuMemory === undefined ? undefined : () => change({ gpuMemory: undefined })}
    />
  );
}

/** A bare number is of GiB; somebody who writes a unit means it. */
function withUnit(text: string): string {
  return /[a-z]/i.test(text) ? text : `${text.trim()}GiB`;
}
