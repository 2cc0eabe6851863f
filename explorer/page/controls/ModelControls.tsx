import { ATTENTION_KERNELS, COMPUTE_DTYPES } from '../../../model/dit/kinds.ts';
import { gibibytes } from '../text/units.ts';
import { Choice } from './Choice.tsx';
import { Combobox } from './Combobox.tsx';
import type { ControlsProps } from './controls.ts';
import { SizeControls } from './SizeControls.tsx';

/** Fields that say of a model what a profile says of its own, and what a model of another name would not take. */
const OF_ONE_MODEL = {
  ...{ profile: undefined, entry: undefined, dtype: undefined, size: undefined, sp: undefined },
  ...{ ring: undefined, tp: undefined, textRows: undefined, expertsOnGpu: undefined, cfg: undefined },
  ...{ referenceImage: undefined, blocks: undefined, exchange: undefined },
} as const;

/** Those that published checkpoints have most; any other comes with a link. */
const WEIGHTS = ['bf16', 'fp8', 'int8', 'nf4', 'nvfp4', 'svdquant', 'q8_0', 'q4_k'];

/** What is computed: the model, its size, and in which arithmetic. */
export function ModelControls(props: ControlsProps) {
  const { state, change, lists, prediction, mistakeAt } = props;
  const isProfile = state.profile !== undefined;
  const options = lists.models.map(({ id, name, blocks, referenceSize }) => ({
    value: id,
    label: id,
    detail: `${name === id ? '' : `${name}, `}${blocks} blocks, ${referenceSize}`,
  }));
  return (
    <fieldset>
      <legend>Model</legend>
      <Combobox
        id="model"
        label={isProfile ? 'Profile' : 'Model'}
        value={state.profile ?? state.model ?? ''}
        options={options}
        mistake={mistakeAt('model') ?? mistakeAt('profile')}
        onValue={(model) => change({ ...OF_ONE_MODEL, model })}
      />
      {prediction !== null && <p class="facts">{factsOf(prediction)}</p>}
      {!isProfile && <SizeControls {...props} />}
      {!isProfile && (
        <details class="more">
          <summary>Arithmetic</summary>
          <div class="pair">
            <Choice
              id="dtype"
              label="Weights"
              value={state.dtype ?? ''}
              usual="as stored"
              options={WEIGHTS}
              mistake={mistakeAt('dtype')}
              onValue={(dtype) => change({ dtype })}
            />
            <Choice
              id="compute-dtype"
              label="Compute"
              value={state.computeDtype ?? ''}
              usual="bf16"
              options={COMPUTE_DTYPES.filter((dtype) => dtype !== 'bf16')}
              mistake={mistakeAt('computeDtype')}
              onValue={(computeDtype) => change({ computeDtype: computeDtype as never })}
            />
          </div>
          <Choice
            id="attention"
            label="Attention kernel"
            value={state.attention ?? ''}
            usual="the machine's usual"
            options={ATTENTION_KERNELS}
            mistake={mistakeAt('attention')}
            onValue={(attention) => change({ attention: attention as never })}
          />
          <label class="check">
            <input
              type="checkbox"
              checked={state.eager === true}
              onChange={({ currentTarget }) => change({ eager: currentTarget.checked || undefined })}
            />
            Eager: unfused kernels, launched one by one
          </label>
        </details>
      )}
    </fieldset>
  );
}

function factsOf({ workload }: NonNullable<ControlsProps['prediction']>): string {
  const { blocks, weightBytes, passes } = workload;
  const tokens = workload.from === 'model' ? `, ${workload.tokens.toLocaleString('en-US')} tokens` : '';
  return `${blocks} blocks, ${gibibytes(weightBytes)}${tokens}, ${passes} ${passes > 1 ? 'passes' : 'pass'} a step`;
}
