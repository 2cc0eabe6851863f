/**
 * What device memory is mapped in, bytes (CUDA's virtual memory management): a block's resident front and the buffer that holds
 * its rest are mapped side by side, so that only whole pages can stay.
 */
export const DEVICE_PAGE_BYTES = 2 * 1024 * 1024;

/** The nearest to some bytes of a block that can stay: whole pages, or all of the block where less than a page is left. */
export function wholePages(bytes: number, weightBytes: number): number {
  const pages = Math.round(bytes / DEVICE_PAGE_BYTES) * DEVICE_PAGE_BYTES;
  return weightBytes - pages < DEVICE_PAGE_BYTES ? weightBytes : pages;
}
