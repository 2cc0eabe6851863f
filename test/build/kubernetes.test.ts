import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAllDocuments } from 'yaml';
import { type KubernetesRun, kubernetesManifest, nodesFor } from '../../build/kubernetes.ts';
import { UserError } from '../../model/input/userError.ts';
import { runCli } from '../support/runCli.ts';

const test = suite('Kubernetes manifests of bundles');

const RUN: KubernetesRun = {
  name: 'pair steps',
  image: 'example.com/cuda:13',
  nodes: 2,
  gpusPerNode: 4,
  claim: 'bundles',
};

interface Metadata {
  name: string;
}
interface Service {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec: { clusterIP: string; selector: Record<string, string>; publishNotReadyAddresses: boolean };
}
interface Container {
  name: string;
  image: string;
  workingDir: string;
  command: string[];
  args: string[];
  env: { name: string; value?: string; valueFrom?: Record<string, Record<string, string>> }[];
  resources: { limits: Record<string, number> };
  volumeMounts: { name: string; mountPath: string }[];
}
interface Job {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec: {
    completionMode: string;
    completions: number;
    parallelism: number;
    backoffLimit: number;
    template: {
      spec: {
        subdomain: string;
        restartPolicy: string;
        containers: Container[];
        volumes: ({ name: string } & Record<string, unknown>)[];
      };
    };
  };
}

function parsed(text: string): [Service, Job] {
  const documents = parseAllDocuments(text);
  assert.ok(!('empty' in documents));
  for (const { errors, warnings } of documents) assert.equal([...errors, ...warnings], []);
  assert.is(documents.length, 2);
  return documents.map((document) => document.toJS()) as [Service, Job];
}

test('an indexed job of one pod a node, behind a headless service of the same name', () => {
  const [service, job] = parsed(kubernetesManifest(RUN));
  assert.equal([service.apiVersion, service.kind, service.metadata.name], ['v1', 'Service', 'pair-steps']);
  assert.is(service.spec.clusterIP, 'None');
  assert.is(service.spec.publishNotReadyAddresses, true);
  assert.equal(service.spec.selector, { 'job-name': job.metadata.name });
  assert.equal([job.apiVersion, job.kind], ['batch/v1', 'Job']);
  const { template, ...spec } = job.spec;
  assert.equal(spec, { completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimit: 0 });
  assert.is(template.spec.subdomain, service.metadata.name);
  assert.is(template.spec.restartPolicy, 'Never');
});

test('each pod runs its part of the bundle, and finds the first by its name', () => {
  const [service, job] = parsed(kubernetesManifest(RUN));
  const [container, ...others] = job.spec.template.spec.containers;
  assert.equal(others, []);
  const { image, workingDir, command, args, env, resources } = container!;
  assert.is(image, RUN.image);
  assert.equal(command, ['./measure.sh']);
  const flags = Object.fromEntries(
    args.flatMap((flag, index) => (index % 2 === 0 ? [[flag, args[index + 1]]] : [])),
  );
  assert.equal(flags, {
    '--nodes': '2',
    '--node': '$(JOB_COMPLETION_INDEX)',
    '--ranks-per-node': '4',
    '--master': `${job.metadata.name}-0.${service.metadata.name}:29500`,
  });
  assert.equal(resources, { limits: { 'nvidia.com/gpu': 4 } });
  // Kubernetes replaces $(X) by variables that the container declares.
  const index = env.find(({ name }) => name === 'JOB_COMPLETION_INDEX');
  assert.is(
    index?.valueFrom?.fieldRef?.fieldPath,
    "metadata.annotations['batch.kubernetes.io/job-completion-index']",
  );
  assert.ok(workingDir.startsWith('/bundle/'));
});

test('every volume that is mounted is there, and shared memory is no 64 MiB', () => {
  const [, job] = parsed(kubernetesManifest(RUN));
  const { containers, volumes } = job.spec.template.spec;
  assert.equal(
    containers[0]!.volumeMounts.map(({ name }) => name).sort(),
    volumes.map(({ name }) => name).sort(),
  );
  const shm = containers[0]!.volumeMounts.find(({ mountPath }) => mountPath === '/dev/shm')!;
  assert.equal(volumes.find(({ name }) => name === shm.name)?.emptyDir, { medium: 'Memory' });
  const bundle = containers[0]!.volumeMounts.find(({ mountPath }) => mountPath === '/bundle')!;
  assert.equal(volumes.find(({ name }) => name === bundle.name)?.persistentVolumeClaim, {
    claimName: 'bundles',
  });
});

test('the secret is referred to and made by a command; it is not in the manifest', () => {
  const text = kubernetesManifest(RUN);
  const [, job] = parsed(text);
  const secret = job.spec.template.spec.containers[0]!.env.find(({ name }) => name === 'CHUNKFLOW_SECRET')!;
  assert.is(secret.value, undefined);
  const { name, key } = secret.valueFrom!.secretKeyRef!;
  const command = `kubectl create secret generic ${name} --from-literal=${key}="$(openssl rand -hex 16)"`;
  assert.ok(text.includes(`#   ${command}\n`));
  assert.not.match(text, /[0-9a-f]{16}/);
});

test('names as Kubernetes spells them', () => {
  for (const [name, expected] of [
    ['H200 steps_2', 'h200-steps-2'],
    ['4 GPUs', 'gpus'],
    ['--a--', 'a'],
    [`${'x'.repeat(51)} tail`, 'x'.repeat(51)],
    ['y'.repeat(80), 'y'.repeat(52)],
  ] as const) {
    assert.is(parsed(kubernetesManifest({ ...RUN, name }))[0].metadata.name, expected, name);
  }
});

test('what is refused', () => {
  for (const [call, message] of [
    [() => kubernetesManifest({ ...RUN, name: '42' }), /name "42": nothing of it can name/],
    [() => kubernetesManifest({ ...RUN, image: ' ' }), /--image: expected a name/],
    [() => kubernetesManifest({ ...RUN, claim: '' }), /--claim: expected a name/],
    [() => nodesFor([{ id: 'one', ranks: 3 }], { nodes: 2 }), /"one" has 3 ranks, which 2 nodes do not make/],
    [
      () =>
        nodesFor(
          [
            { id: 'one', ranks: 4 },
            { id: 'two', ranks: 2 },
          ],
          {},
        ),
      /"two" has 2 ranks/,
    ],
    [
      () => nodesFor([{ id: 'one', ranks: 4 }], { nodes: 2, gpusPerNode: 4 }),
      /"one" has 4 ranks, which 2 nodes of 4 GPUs do not make/,
    ],
  ] as [() => unknown, RegExp][]) {
    assert.throws(call, (error: Error) => error instanceof UserError && message.test(error.message));
  }
});

test('nodes and GPUs that are not given follow from the programs', () => {
  const programs = [{ id: 'one', ranks: 4 }];
  assert.equal(nodesFor(programs, {}), { nodes: 1, gpusPerNode: 4 });
  assert.equal(nodesFor(programs, { nodes: 2 }), { nodes: 2, gpusPerNode: 2 });
  assert.equal(nodesFor(programs, { nodes: 4, gpusPerNode: 1 }), { nodes: 4, gpusPerNode: 1 });
});

test('flags of a manifest without --kubernetes, and --kubernetes without an image, are refused', async () => {
  const bundle = ['experiment', 'bundle', 'experiments/four/four-rings.yaml', '--out', 'out/never.tar'];
  for (const [args, message] of [
    [['--nodes', '2'], /--nodes: is of --kubernetes, which is not given; add it/],
    [['--kubernetes'], /--kubernetes: no --image given/],
    [['--kubernetes', '--image', 'x', '--nodes', '0'], /--nodes/],
  ] as const) {
    const { code, stderr } = await runCli([...bundle, ...args]);
    assert.is(code, 2, stderr);
    assert.match(stderr, message);
  }
});

test.run();
