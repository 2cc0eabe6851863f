import type { Prediction } from '../../documents/prediction.ts';

type BetweenHosts = NonNullable<Prediction['machine']['betweenHosts']>[number];

/** What a collective between hosts costs and what limits it, in a line. */
export function hostsLine(between: BetweenHosts): string {
  const { collective, toNeighbour, hosts, perHost, startUpS, limit } = between;
  const gb = (bytesPerS: number) => `${(bytesPerS / 1e9).toFixed(1)} GB/s`;
  const { bytesPerS, besideH2dBytesPerS, h2dBytesPerS, h2dBesideBytesPerS } = between;
  return (
    `between hosts: ${toNeighbour ? 'ring' : collective} of ${hosts} x ${perHost} ranks, ${(startUpS * 1e6).toFixed(0)} us ` +
    `and ${gb(bytesPerS)} a rank, limited by ${limit}; beside H2D ${gb(besideH2dBytesPerS)}, ` +
    `and H2D goes from ${gb(h2dBytesPerS)} to ${gb(h2dBesideBytesPerS)}`
  );
}
