import type { CopyEngine, StagedCopyTransport } from './system.ts';

/** Sizes of the pieces that a staged collective's bytes are cut into; the last one is what is left. */
export function pieceSizes(bytes: number, pieceBytes: number): number[] {
  const count = Math.max(1, Math.ceil(bytes / pieceBytes));
  return Array.from({ length: count }, (_, index) => Math.min(pieceBytes, bytes - index * pieceBytes));
}

/**
 * Seconds of a copy-engine collective by itself: D2H and H2D pieces in a two-stage pipeline,
 *
 *   latency + first D2H + (pieces - 1) x slower stage + last H2D
 *
 * A D2H piece costs the engine's pause, its bytes and a flag; in the middle of the pipeline both directions run
 * at once, at `duplexBytesPerS` each.
 */
export function stagedCopyAloneS(
  transport: StagedCopyTransport,
  engine: CopyEngine,
  sentBytes: number,
  pieceBytes: number,
  link: { downBytesPerS: number; upBytesPerS: number; duplexBytesPerS: number },
): number {
  const pieces = Math.ceil(sentBytes / pieceBytes);
  const piece = Math.min(pieceBytes, sentBytes);
  const last = sentBytes - (pieces - 1) * pieceBytes;
  const both = Math.min(link.downBytesPerS, link.upBytesPerS, link.duplexBytesPerS / 2);
  const first = engine.startUpS + piece / link.upBytesPerS + transport.flagS;
  const stage = engine.gapS + piece / both + transport.flagS;
  return transport.latencyS + first + (pieces - 1) * stage + engine.startUpS + last / link.downBytesPerS;
}
