import type { AttachStepRecord } from './attachStepFormat.ts';

type Variant = AttachStepRecord['variant'];
type Settings = NonNullable<Variant['settings']>;

/** What of a tool's settings no plan says, by the tool's own names; those steps are shown beside and predicted by nobody. */
const UNSAID: Readonly<Record<string, (settings: Settings) => boolean>> = {
  'group-offload': ({ offload_type, record_stream, low_cpu_mem_usage }) =>
    offload_type !== 'block_level' || record_stream === true || low_cpu_mem_usage === true,
};

/** Settings as `--plan` takes them. */
const TEXTS: Readonly<Record<string, (settings: Settings) => string>> = {
  sglang: ({ prefetch_size, resident, residency_policy }) => {
    // The manager is asked for a policy only where blocks stay.
    const policy =
      residency_policy === '' ? (Number(resident) > 0 ? 'strided' : 'leading') : residency_policy;
    return `sglang,prefetch=${prefetch_size},resident=${resident},policy=${policy}`;
  },
  'group-offload': ({ use_stream, num_blocks_per_group }) =>
    use_stream === true ? 'diffusers,stream' : `diffusers,num_blocks_per_group=${num_blocks_per_group}`,
  sequential: () => 'accelerate',
};

/**
 * The plan of another tool's settings that a step was measured under; null for steps of no tool, for those whose settings were not
 * recorded, and for settings that no plan says.
 */
export function toolPlanText({ kind, settings }: Variant): string | null {
  const text = TEXTS[kind];
  if (text === undefined || settings === undefined || UNSAID[kind]?.(settings) === true) return null;
  return text(settings);
}
