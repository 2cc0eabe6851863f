import { max } from 'simple-statistics';
import type { YamlFile } from '../../model/input/yamlFile.ts';
import { type FittedEntry, valueIn, written } from './machineValues.ts';
import type { Readings } from './readings.ts';

/** What a CTA of the staged kernel has written before its reader begins. */
const SLICE: FittedEntry = { is: '256 KiB', from: 'default', source: 'slice of the kernel' };

/**
 * Numbers that stages start from and that a machine file may lack: the highest clock, without which clocks that were read
 * say nothing, and how much fills a staged kernel's pipeline, without which what the filling costs has no effect.
 *
 * @param from what the readings came from.
 */
export function missingNumbers(
  source: YamlFile,
  { segments }: Pick<Readings, 'segments'>,
  from: string,
): Map<string, FittedEntry> {
  const entries = new Map<string, FittedEntry>();
  const clocks = segments.flatMap(({ smHz }) => (smHz === null ? [] : [smHz]));
  const lacks = (section: string, key: string) =>
    valueIn(source, section) !== undefined && valueIn(source, `${section}.${key}`) === undefined;
  if (lacks('gpu.power', 'topClock') && clocks.length > 0)
    entries.set('gpu.power.topClock', {
      ...{ is: written(max(clocks) / 1e9, 'GHz'), from: 'measured' },
      source: `the highest clock that was read; ${from}`,
    });
  if (lacks('transports.staged-sm', 'fill')) entries.set('transports.staged-sm.fill', SLICE);
  return entries;
}
