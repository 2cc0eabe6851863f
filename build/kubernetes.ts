import { Document } from 'yaml';
import { shown, UserError } from '../model/input/userError.ts';

/** A bundle's run on nodes of a Kubernetes cluster: one pod a node, one rank a GPU. */
export interface KubernetesRun {
  /** Of the job and its service; anything, such as an experiment's name. */
  name: string;
  /** With a C++ compiler, cmake and, for GPUs, the CUDA toolkit. */
  image: string;
  nodes: number;
  gpusPerNode: number;
  /** The volume claim that holds the unpacked bundle; results are written there. */
  claim: string;
}

/** Names beside the run's own. */
export const KUBERNETES_SECRET = { name: 'chunkflow-secret', key: 'secret' };
const PORT = 29_500;
const BUNDLE = '/bundle/chunkflow-bundle';
/** A pod's host is called as its job and its number; together they may have 63 characters. */
const LONGEST_NAME = 52;

/**
 * The manifest of a run, as YAML: a headless service, by which pods find the first of them, and an indexed job whose pods are the
 * nodes. The secret is not in it; its comment has the command that makes one.
 *
 * @throws UserError for a name of which nothing is left once it is spelt as Kubernetes wants it, and for an empty image or claim.
 */
export function kubernetesManifest(run: KubernetesRun): string {
  for (const [flag, value] of [
    ['--image', run.image],
    ['--claim', run.claim],
  ] as const) {
    if (value.trim() === '') throw new UserError(`${flag}: expected a name, got ${shown(value)}`);
  }
  const name = kubernetesName(run.name);
  const service = new Document(serviceOf(name));
  service.commentBefore = [
    ' The secret by which the ranks know each other; made once, and kept out of this file:',
    `   kubectl create secret generic ${KUBERNETES_SECRET.name} --from-literal=${KUBERNETES_SECRET.key}="$(openssl rand -hex 16)"`,
    ` The claim ${run.claim} holds the bundle, unpacked with \`tar -xf\`; all nodes mount it, and results are written there.`,
  ].join('\n');
  return [service, new Document(jobOf(name, run))]
    .map((document) => document.toString({ lineWidth: 0 }))
    .join('---\n');
}

/** Lower case letters, digits and hyphens, beginning with a letter. */
function kubernetesName(text: string): string {
  const words = text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  const name = words
    .join('-')
    .replace(/^[0-9-]+/, '')
    .slice(0, LONGEST_NAME)
    .replace(/-+$/, '');
  if (name !== '') return name;
  throw new UserError(`name ${shown(text)}: nothing of it can name a Kubernetes job; use letters of a to z`);
}

function serviceOf(name: string) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      clusterIP: 'None',
      selector: { 'job-name': name },
      // Ranks look for the first pod before any of them is ready.
      publishNotReadyAddresses: true,
    },
  };
}

function jobOf(name: string, run: KubernetesRun) {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      completionMode: 'Indexed',
      completions: run.nodes,
      parallelism: run.nodes,
      // A run that lost a rank has ended on all; what it wrote is kept.
      backoffLimit: 0,
      template: { spec: podOf(name, run) },
    },
  };
}

function podOf(name: string, { image, nodes, gpusPerNode, claim }: KubernetesRun) {
  return {
    subdomain: name,
    restartPolicy: 'Never',
    containers: [
      {
        name: 'ranks',
        image,
        workingDir: BUNDLE,
        command: ['./measure.sh'],
        args: [
          ...['--nodes', String(nodes), '--node', '$(JOB_COMPLETION_INDEX)'],
          ...['--ranks-per-node', String(gpusPerNode), '--master', `${name}-0.${name}:${PORT}`],
        ],
        env: [
          {
            name: 'JOB_COMPLETION_INDEX',
            valueFrom: {
              fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" },
            },
          },
          { name: 'CHUNKFLOW_SECRET', valueFrom: { secretKeyRef: KUBERNETES_SECRET } },
        ],
        resources: { limits: { 'nvidia.com/gpu': gpusPerNode } },
        volumeMounts: [
          { name: 'bundle', mountPath: '/bundle' },
          { name: 'shm', mountPath: '/dev/shm' },
        ],
      },
    ],
    volumes: [
      { name: 'bundle', persistentVolumeClaim: { claimName: claim } },
      // NCCL's and the staged transports' shared memory; a container's own has 64 MiB.
      { name: 'shm', emptyDir: { medium: 'Memory' } },
    ],
  };
}

/**
 * Nodes and GPUs for programs of these numbers of ranks.
 *
 * @throws UserError for programs that do not fit, by name.
 */
export function nodesFor(
  programs: readonly { id: string; ranks: number }[],
  { nodes = 1, gpusPerNode }: { nodes?: number | undefined; gpusPerNode?: number | undefined },
): Pick<KubernetesRun, 'nodes' | 'gpusPerNode'> {
  const ranks = nodes * (gpusPerNode ?? Math.ceil((programs[0]?.ranks ?? 1) / nodes));
  const other = programs.find((program) => program.ranks !== ranks);
  if (other === undefined) return { nodes, gpusPerNode: ranks / nodes };
  const there = gpusPerNode === undefined ? `${nodes} nodes` : `${nodes} nodes of ${gpusPerNode} GPUs`;
  throw new UserError(
    `--kubernetes: ${shown(other.id)} has ${other.ranks} ranks, which ${there} do not make; choose programs of one number of ranks with --only, and --nodes and --gpus-per-node that make it`,
  );
}
