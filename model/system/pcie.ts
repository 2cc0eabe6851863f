const RAW_GT_PER_LANE = { 1: 2.5, 2: 5, 3: 8, 4: 16, 5: 32, 6: 64 } as const;

export type PcieGeneration = keyof typeof RAW_GT_PER_LANE;

/** Payload of a packet, bytes: the common maximum; root ports that complete reads in 64 bytes do worse. */
const PAYLOAD_BYTES = 256;
/** Header and framing of a packet with data: a completion answers a read, a write carries a 64-bit address. */
const HEADER_BYTES = { down: 20, up: 24 } as const;
/** Acknowledgements and flow-control updates, at the rates the specification recommends (pcie-bench's model). */
const LINK_LAYER_SHARE = 1 - 2 * (8 / 168);
/** A skip ordered set of 4 symbols in every 1538. */
const SKIP_SHARE = 1 - 4 / 1538;

/**
 * Payload bytes/s of a PCIe link, from generation and width, with protocol overhead:
 *
 *   lanes x GT/s x coding / 8 x (1 - skips) x (1 - acks) x payload / (payload + header)
 *
 * `down` is what a GPU reads from host memory (completions), `up` what it writes there. Coding is 8b/10b for
 * generations 1 and 2, 128b/130b for 3 to 5, and none worth counting for 6. Good to a few per cent; a measured
 * rate in the machine file is better. Source: the link model of pcie-bench (Neugebauer et al., SIGCOMM 2018).
 *
 * @example pcieBytesPerS(5, 16, 'up') // 5.2e10
 */
export function pcieBytesPerS(generation: PcieGeneration, lanes: number, direction: 'up' | 'down'): number {
  const coding = generation <= 2 ? 8 / 10 : generation <= 5 ? 128 / 130 : 1;
  const rawBytesPerS = (lanes * RAW_GT_PER_LANE[generation] * 1e9 * coding) / 8;
  const payloadShare = PAYLOAD_BYTES / (PAYLOAD_BYTES + HEADER_BYTES[direction]);
  return rawBytesPerS * SKIP_SHARE * LINK_LAYER_SHARE * payloadShare;
}
