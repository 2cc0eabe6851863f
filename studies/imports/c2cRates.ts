import type { TreeNumber } from './importedTree.ts';

const REPORT = 'https://github.com/NVIDIA/nvbandwidth/issues/23';
const ARCHITECTURE = 'https://developer.nvidia.com/blog/nvidia-grace-hopper-superchip-architecture-in-depth/';

/** Copies between Grace and Hopper of a GH200 by its copy engine, as nvbandwidth measured them; the link's own rate is 450 GB/s. */
export const C2C_DOWN: TreeNumber = {
  is: '346 GB/s',
  from: 'published',
  source: `GH200, host_to_device_memcpy_ce; ${REPORT}`,
};

export const C2C_UP: TreeNumber = {
  is: '301 GB/s',
  from: 'published',
  source: `GH200, 15 % below H2D; ${REPORT}`,
};

/** Of a Grace's LPDDR5X. */
export const C2C_MEMORY: TreeNumber = {
  is: '546 GB/s',
  from: 'datasheet',
  source: `LPDDR5X of a Grace, at the most; ${ARCHITECTURE}`,
};
