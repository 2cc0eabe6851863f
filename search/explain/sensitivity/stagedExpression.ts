import { type StagedPieces, stagedExchangeS } from '../../../model/physics/stagedCopy.ts';
import type { StagedCopyTransport } from '../../../model/system/transport.ts';
import { constant, EXPRESSIONS, type Laurent } from './laurent.ts';
import type { Symbols } from './symbols.ts';

/** Seconds of a copy-engine collective by itself, as `stagedCopyAloneS` has it, in the quantities that bind it here. */
export function stagedCopyExpression(
  { flagS }: StagedCopyTransport,
  exchanges: readonly StagedPieces[],
  symbols: Symbols,
): Laurent {
  const { startUpS, gapS } = symbols;
  const costs = { startUpS, gapS, flagS: constant(flagS) };
  return exchanges.reduce(
    (sum, exchange) => sum.plus(stagedExchangeS(EXPRESSIONS, exchange, costs, symbols)),
    symbols.latencyS,
  );
}
