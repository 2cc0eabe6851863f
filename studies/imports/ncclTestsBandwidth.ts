import type { CollectiveKind } from '../../model/dit/kinds.ts';
import { UserError } from '../../model/input/userError.ts';
import type { NcclTestsTime } from './ncclTestsTable.ts';

/** The table has two decimals, and a time of as few as four digits. */
const ROUNDING_BYTES_PER_S = 0.01e9;
const ROUNDING_SHARE = 0.01;

/**
 * Checks that a row is of the collective and ranks that it is taken for. The bus bandwidth of all three collectives is
 * what a rank sends over the time:
 *
 *   busbw = sent bytes / time
 *
 * @throws UserError if the row prints another, as of another collective, or of a run with other ranks than are listed.
 */
export function checkBusBandwidth(
  { collective, ranks, sentBytes }: { collective: CollectiveKind; ranks: number; sentBytes: number },
  { timeUs, busBytesPerS }: NcclTestsTime,
  place: { file: string; line: number },
): void {
  const expectedBytesPerS = sentBytes / (timeUs / 1e6);
  const tolerance = ROUNDING_BYTES_PER_S + ROUNDING_SHARE * expectedBytesPerS;
  if (Math.abs(busBytesPerS - expectedBytesPerS) <= tolerance) return;
  throw new UserError(
    `busbw: ${busBytesPerS / 1e9} GB/s, but an ${collective} of ${ranks} ranks in this time has ` +
      `${(expectedBytesPerS / 1e9).toFixed(2)}; is it another collective, or are lines "# Rank ..." missing?`,
    place,
  );
}
