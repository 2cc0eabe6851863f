import type { StagedPieces } from '../../../model/physics/stagedCopy.ts';
import type { StagedCopyTransport } from '../../../model/system/transport.ts';

import { constant, type Laurent, larger } from './laurent.ts';
import type { Symbols } from './symbols.ts';

/** Seconds of a copy-engine collective by itself, as `stagedCopyAloneS` has it, in the quantities that bind it here. */
export function stagedCopyExpression(
  { flagS }: StagedCopyTransport,
  exchanges: readonly StagedPieces[],
  symbols: Symbols,
): Laurent {
  return exchanges.reduce((sum, exchange) => sum.plus(exchangeS(exchange, flagS, symbols)), symbols.latencyS);
}

function exchangeS({ pieceBytes, writes, reads }: StagedPieces, flagS: number, symbols: Symbols): Laurent {
  const { startUpS, gapS, h2d, d2h, both, bothD2h } = symbols;
  const at = (rate: Laurent) => constant(pieceBytes).times(rate.inverse());
  const beside = (own: Laurent, other: Laurent, alone: Laurent) =>
    own.value >= other.value
      ? at(own)
      : at(other).plus(at(alone).times(constant(1 - own.value / other.value)));
  const flag = constant(flagS);
  const firstS = startUpS.plus(at(d2h)).plus(flag);
  const writeStageS = gapS.plus(beside(bothD2h, both, d2h)).plus(flag);
  const readStageS = gapS.plus(writes === reads ? beside(both, bothD2h, h2d) : at(h2d));
  const lastReadS = startUpS.plus(at(h2d));
  const writesS = writeStageS.times(constant(writes - 1)).plus(lastReadS);
  return firstS.plus(larger(writesS, readStageS.times(constant(reads))));
}
