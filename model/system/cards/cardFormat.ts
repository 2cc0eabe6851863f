import { z } from 'zod';
import { shown, UserError } from '../../input/userError.ts';
import { attentionKernels, efficiency, peak } from '../gpuFormat.ts';
import { physical, plain, provenance } from '../numbers.ts';
import type { PcieGeneration } from '../pcie.ts';

const GENERATIONS = [1, 2, 3, 4, 5, 6] as const satisfies readonly PcieGeneration[];
const LANES = [1, 2, 4, 8, 16] as const;

/** Generation and width of a PCIe link. */
export interface PcieLink {
  gen: PcieGeneration;
  lanes: (typeof LANES)[number];
}

/**
 * A PCIe link as people write it, generation x lanes.
 *
 * @throws UserError for anything else.
 * @example pcieLink('4x8') // { gen: 4, lanes: 8 }
 */
export function pcieLink(text: string): PcieLink {
  const [, first, second] = /^(\d+)x(\d+)$/.exec(text.trim()) ?? [];
  const gen = GENERATIONS.find((known) => String(known) === first);
  const lanes = LANES.find((known) => String(known) === second);
  if (gen !== undefined && lanes !== undefined) return { gen, lanes };
  throw new UserError(
    `expected a PCIe generation of ${GENERATIONS.at(0)} to ${GENERATIONS.at(-1)} and ${LANES.join(', ')} lanes such as 4x8, got ${shown(text)}`,
  );
}

/** What is no quantity, with where it came from. */
function stated<Schema extends z.ZodType>(schema: Schema) {
  return z.strictObject({ is: schema, from: provenance, source: z.string().default('') });
}

const pcieText = z.string().transform((text, context) => {
  try {
    return pcieLink(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as UserError).message });
    return z.NEVER;
  }
});

/** Hosts that cards are usually put into; each has a file of defaults. */
export const HOSTS = ['desktop', 'server', 'grace'] as const;
export type HostName = (typeof HOSTS)[number];

export const ARCHITECTURES = ['ampere', 'ada', 'hopper', 'blackwell', 'blackwell-rtx'] as const;

/** A GPU by itself: what its data sheet says, and what is known of its kernels. Where it is plugged in is a topology's. */
export const cardFile = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  name: z.string(),
  architecture: z.enum(ARCHITECTURES).describe('whose defaults hold where the card says nothing'),
  memory: physical('bytes').describe('what programs see of it'),
  deviceMemory: physical('rate'),
  peak,
  efficiency: efficiency.partial().optional(),
  attentionKernels: attentionKernels.optional(),
  multiprocessors: plain(1, 1024),
  powerCap: physical('power').describe('the board at its default limit'),
  link: z
    .union([
      z.literal('unified'),
      z.strictObject({ pcie: stated(pcieText) }),
      z.strictObject({ c2c: z.strictObject({ down: physical('rate'), up: physical('rate') }) }),
    ])
    .describe('to the host: PCIe; NVLink-C2C, by rate; or none, where both use one memory'),
  copyEngines: stated(z.literal([1, 2])).describe('1: copies of both directions wait for each other'),
  peerToPeer: stated(z.boolean()).describe('over PCIe'),
  nvlink: z
    .strictObject({
      rate: physical('rate').describe('each direction'),
      gpus: stated(z.int().min(2).max(64)).describe('most that it joins'),
      by: z.enum(['switch', 'bridge']).describe('a bridge is there where somebody has put one'),
    })
    .optional(),
  host: z.enum(HOSTS).describe('usual one of up to two such cards'),
});
export type CardFile = z.output<typeof cardFile>;

/** Defaults of an architecture. */
export const architectureFile = z.strictObject({ id: z.enum(ARCHITECTURES), efficiency, attentionKernels });

/** Defaults of a host. */
export const hostFile = z.strictObject({
  id: z.enum(HOSTS),
  name: z.string(),
  memory: physical('bytes'),
  memoryRate: physical('rate').describe('of each socket, reads plus writes of its GPUs'),
  pageable: physical('rate'),
  pageableOut: physical('rate'),
  launchLead: physical('time'),
  launchWindow: physical('time'),
  deviceReserve: physical('bytes'),
  eagerLaunch: physical('time'),
});
export type HostFile = z.output<typeof hostFile>;
