import type { MemoryNeed } from '../../../model/physics/memory.ts';

/** What GPU memory holds, from the left of a bar, as the memory chart of studies/plots has it. */
export const MEMORY_PARTS = [
  { kind: 'reserve', name: 'context, libraries, transport', bytes: 'reserveBytes' },
  { kind: 'outside', name: 'weights outside of the blocks', bytes: 'outsideBytes' },
  { kind: 'resident', name: 'resident weights of blocks', bytes: 'residentBytes' },
  { kind: 'slots', name: 'slots', bytes: 'slotBytes' },
  { kind: 'activations', name: 'activations', bytes: 'activationBytes' },
  { kind: 'collective-buffers', name: 'buffers of collectives', bytes: 'collectiveBufferBytes' },
] as const satisfies readonly { kind: string; name: string; bytes: keyof MemoryNeed }[];
