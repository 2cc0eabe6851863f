import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

/** Hosts as the kernel sees them: network namespaces with names of their own, joined by two cables. */
export interface TwoHosts {
  /** Name, and address at each of its interfaces. */
  readonly hosts: readonly [Host, Host];
  remove(): void;
}

export interface Host {
  name: string;
  /** The fast network's, and the other one's. */
  addresses: { ib0: string; eth0: string };
  /** Starts a program on it; the process is the program's own. */
  start(command: string, args: readonly string[], env: Record<string, string>): Ended;
  /** Bytes that have come in at an interface. */
  receivedBytes(interfaceName: string): number;
}

/** A process, and what it said and how it ended, once it has. */
export interface Ended {
  process: ChildProcess;
  end: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

const NETWORKS = { ib0: '10.231.7', eth0: '10.231.8' } as const;

function ip(...args: string[]): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}

/** Runs a command and collects its output. */
export function start(command: string, args: readonly string[], env: Record<string, string>): Ended {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => {
    said.stdout += text;
  });
  child.stderr.on('data', (text) => {
    said.stderr += text;
  });
  const end = new Promise<Awaited<Ended['end']>>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...said }));
  });
  return { process: child, end };
}

/** Makes two hosts. @returns why not, where this machine does not let us: it takes root, iproute2 and util-linux. */
export function makeTwoHosts(): TwoHosts | string {
  const names = ['a', 'b'].map((letter) => `chunkflow-${process.pid}-${letter}`);
  const remove = () => {
    for (const name of names) spawnSync('ip', ['netns', 'del', name]);
  };
  try {
    for (const name of names) ip('netns', 'add', name);
    for (const [cable, network] of Object.entries(NETWORKS)) {
      ip('link', 'add', cable, 'netns', names[0]!, 'type', 'veth', 'peer', 'name', cable, 'netns', names[1]!);
      for (const [index, name] of names.entries()) {
        ip('-n', name, 'addr', 'add', `${network}.${index + 1}/24`, 'dev', cable);
        ip('-n', name, 'link', 'set', cable, 'up');
        ip('-n', name, 'link', 'set', 'lo', 'up');
      }
    }
    const uts = spawnSync('unshare', ['--uts', 'true'], { encoding: 'utf8' });
    if (uts.status !== 0) throw new Error(`unshare --uts: ${uts.error?.message ?? uts.stderr.trim()}`);
  } catch (error) {
    remove();
    return `network namespaces cannot be made here, which takes root, ip and unshare (${(error as Error).message})`;
  }
  return { hosts: [hostOf(names, 0), hostOf(names, 1)], remove };
}

function hostOf(names: readonly string[], index: 0 | 1): Host {
  const namespace = names[index]!;
  const name = `node-${'ab'[index]}`;
  const within = [
    'netns',
    'exec',
    namespace,
    'unshare',
    '--uts',
    'sh',
    '-c',
    'hostname "$0" && exec "$@"',
    name,
  ];
  return {
    name,
    addresses: { ib0: `${NETWORKS.ib0}.${index + 1}`, eth0: `${NETWORKS.eth0}.${index + 1}` },
    start: (command, args, env) => start('ip', [...within, command, ...args], env),
    receivedBytes: (interfaceName) => {
      const { stdout } = spawnSync('ip', ['-n', namespace, '-s', '-j', 'link', 'show', interfaceName], {
        encoding: 'utf8',
      });
      return JSON.parse(stdout)[0].stats64.rx.bytes;
    },
  };
}
