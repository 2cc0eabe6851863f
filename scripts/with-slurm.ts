import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { LocalSlurm } from '../test/support/slurm.ts';

const USAGE = `usage: npm run slurm -- [--node NAME[=GPU,GPU]]... [--cpus N] [--host-names] -- COMMAND [ARGUMENT]...

Runs a command beside a real Slurm on this machine: a controller and a daemon for each node, which end with the command.

  --node NAME     a node (default: node1 and node2), with the numbers of the GPUs that its jobs see: --node node1=0,1
  --cpus N        cores that each node says it has (default: 2)
  --host-names    each node has a host name of its own, so that ranks on two nodes are ranks of two hosts
`;

/** Exit codes of shells: 2 for a wrong argument, 128 and its number for a signal. */
async function run(): Promise<number> {
  const given = process.argv.slice(2);
  const end = given.indexOf('--');
  const command = end < 0 ? [] : given.slice(end + 1);
  const flags = flagsOf(end < 0 ? given : given.slice(0, end));
  if (typeof flags === 'string' || command.length === 0) {
    process.stderr.write(
      `error: ${typeof flags === 'string' ? flags : 'expected a command behind --'}\n${USAGE}`,
    );
    return 2;
  }
  const cluster = await LocalSlurm.start(flags);
  if (typeof cluster === 'string') {
    process.stderr.write(`error: ${cluster}\n`);
    return 1;
  }
  // A terminal's Ctrl-C reaches the command as well, and the cluster ends with it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  try {
    return await ended(command, cluster.env);
  } finally {
    await cluster.stop();
  }
}

function flagsOf(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        node: { type: 'string', multiple: true },
        cpus: { type: 'string', default: '2' },
        'host-names': { type: 'boolean', default: false },
      },
    });
    const cpus = Number(values.cpus);
    if (!Number.isInteger(cpus) || cpus < 1) return `--cpus ${values.cpus}: expected a whole number from 1`;
    const nodes = (values.node ?? ['node1', 'node2']).map((text) => text.split('='));
    const gpus = Object.fromEntries(
      nodes.flatMap(([name, files]) => (files ? [[name!, files.split(',')]] : [])),
    );
    return { nodes: nodes.map(([name]) => name!), cpus, gpus, hostNames: values['host-names'] };
  } catch (error) {
    return (error as Error).message;
  }
}

function ended([program, ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program!, args, { env, stdio: 'inherit' });
    child.on('error', ({ message }) => {
      process.stderr.write(`error: ${program}: ${message}\n`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 129));
  });
}

process.exitCode = await run();
