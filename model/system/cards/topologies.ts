/** Which host links cards share: none, one root port, one PCIe switch, or none, half of them at each of two sockets. */
export const TOPOLOGIES = ['separate', 'shared-root', 'switch', 'two-sockets'] as const;
export type Topology = (typeof TOPOLOGIES)[number];
