import { z } from 'zod';

const cpp = z.string();

/** What the calibration template may print: C++ made by escape.ts. */
export const calibrationView = z.strictObject({
  header: z.array(cpp),
  id: cpp,
  title: cpp,
  tool: cpp,
  commit: cpp,
  fingerprint: cpp,
  ranks: cpp,
  groupSize: cpp,
  mirrored: cpp,
  blockBytes: cpp,
  activationBytes: cpp,
  plans: z.array(z.strictObject({ constant: cpp, name: cpp, carrier: cpp, stagingBytes: cpp })).min(1),
  cases: z
    .array(
      z.strictObject({
        id: cpp,
        parameters: cpp,
        plan: cpp,
        loadingRanks: cpp,
        down: cpp,
        up: cpp,
        chunkBytes: cpp,
        paceS: cpp,
        calls: cpp,
        collective: z.strictObject({ name: cpp, kind: cpp, recv: cpp, bytesPerPeer: cpp, pieceBytes: cpp }),
      }),
    )
    .min(1),
});
