import { OPEN_SETTING_NAMES, type StepRecord } from './stepFormat.ts';

/** Variants of one record at the most; with more open settings than that, a range says nothing. */
const MOST_VARIANTS = 256;

/**
 * Every record that a source's open settings leave possible, each with all of them closed; a record without any is its own only
 * variant. An open number of steps stays open where it does not matter.
 *
 * @throws Error above MOST_VARIANTS: such a record should not be in the collection.
 *
 * @example closedRecords({...record, passes: null, unknown: {passes: [1, 2]}}) // two records
 */
export function closedRecords(record: StepRecord): StepRecord[] {
  let variants: StepRecord[] = [{ ...record, unknown: {} }];
  for (const name of OPEN_SETTING_NAMES) {
    const candidates = record.unknown[name];
    if (candidates === undefined) continue;
    variants = variants.flatMap((variant) =>
      candidates.map((value) => ({ ...variant, [name]: value }) as StepRecord),
    );
    if (variants.length > MOST_VARIANTS)
      throw new Error(`${record.id} leaves more than ${MOST_VARIANTS} variants open`);
  }
  return variants.filter(isConsistent);
}

/** One pass a step goes with no guidance, more with some; guidance in parallel takes GPUs of the layout, and only it does. */
function isConsistent({ passes, guidance, layout }: StepRecord): boolean {
  if (guidance === null || passes === null) return true;
  return (passes === 1) === (guidance === 'none') && (guidance === 'parallel') === (layout?.cfg ?? 1) > 1;
}
