import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { installSlurm, type SlurmInstallation } from '../../scripts/slurm.mjs';

export interface LocalSlurmOptions {
  /** Names of the nodes; each has a daemon of its own on this machine. */
  nodes?: readonly string[];
  /** Of each node. */
  cpus?: number;
  /** Numbers of each node's GPUs, by node: what its jobs see of this machine's. Slurm itself does not count them. */
  gpus?: Readonly<Record<string, readonly string[]>>;
  /** Gives each node's daemon and jobs a host name of their own, the node's: then ranks on them are ranks of several hosts. */
  hostNames?: boolean;
  /** Further lines of slurm.conf. */
  config?: readonly string[];
}

type Installed = Extract<SlurmInstallation, { ok: true }>;

/** How long a daemon may take to answer; a busy machine is slow, and nothing hangs on it otherwise. */
const PATIENCE_MS = 120_000;

/**
 * A real Slurm on this machine: munge, a controller and a daemon for each node, all in a folder for temporary files and with ports
 * of their own, so that several stand beside each other and beside the machine's own.
 */
export class LocalSlurm {
  readonly folder: string;
  /** What the environment of Slurm's clients must hold. */
  readonly env: NodeJS.ProcessEnv;
  readonly #installed: Installed;
  readonly #nodes: readonly string[];
  readonly #hostNames: boolean;
  readonly #daemons = new Map<string, ChildProcess>();
  readonly #killAll = () => this.#kill();

  private constructor(installed: Installed, nodes: readonly string[], hostNames: boolean) {
    this.#installed = installed;
    this.#nodes = nodes;
    this.#hostNames = hostNames;
    this.folder = mkdtempSync(join(tmpdir(), 'chunkflow-slurm-'));
    // munge refuses a socket in a folder that others may not enter.
    chmodSync(this.folder, 0o755);
    this.env = { ...process.env, ...installed.env, SLURM_CONF: join(this.folder, 'slurm.conf') };
  }

  /** Starts all of it, and waits until every node is idle; or why there can be none here. */
  static async start(options: LocalSlurmOptions = {}): Promise<LocalSlurm | string> {
    if (process.platform !== 'linux') return `Slurm's daemons run on Linux, not on ${process.platform}`;
    if (userInfo().uid !== 0) return 'a node daemon has to be started by root to start jobs';
    const installed = installSlurm();
    if (!installed.ok) return installed.why;
    const { nodes = ['node1', 'node2'], hostNames = false } = options;
    const cluster = new LocalSlurm(installed, nodes, hostNames);
    process.once('exit', cluster.#killAll);
    try {
      await cluster.#configure(options);
      await cluster.#startMunge();
      cluster.startController();
      for (const node of nodes) cluster.startNode(node);
      for (const node of nodes) await cluster.nodeIs(node, 'idle');
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Runs one of Slurm's clients; what it prints on stdout. @throws Error where it fails. */
  client(name: string, ...args: string[]): string {
    const { status, stdout, stderr, error } = spawnSync(name, args, { env: this.env, encoding: 'utf8' });
    if (error !== undefined || status !== 0) throw new Error(`${name} ${args.join(' ')}: ${error ?? stderr}`);
    return stdout;
  }

  startController(): void {
    this.#start('slurmctld', this.#installed.slurmctld, ['-D']);
  }

  /** Ends the controller; jobs run on, and nobody is told of them until it is started again. */
  async stopController(): Promise<void> {
    await this.#stop('slurmctld', 'SIGTERM');
  }

  startNode(node: string): void {
    const { slurmd, slurmstepd } = this.#installed;
    const daemon = [slurmd, '-D', '-N', node, '-d', slurmstepd];
    if (!this.#hostNames) this.#start(node, daemon[0]!, daemon.slice(1));
    else this.#start(node, 'unshare', ['--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', node, ...daemon]);
  }

  /** Ends a node's daemon alone; what runs there runs on. */
  async stopNode(node: string): Promise<void> {
    await this.#stop(node, 'SIGTERM');
  }

  /** A node that loses its power: the daemon and all that runs there are gone at once. */
  async powerOff(node: string): Promise<void> {
    await this.#stop(node, 'SIGKILL');
    for (const process of processesOn(node, this.folder)) kill(process);
    // Slurm starts no job where an earlier start of it has left its script.
    const spool = join(this.folder, 'spool', node);
    const jobs = existsSync(spool) ? readdirSync(spool).filter((name) => name.startsWith('job')) : [];
    for (const name of jobs) rmSync(join(spool, name), { recursive: true, force: true });
  }

  /** Waits until a node is in a state, such as `idle`, `down` or `mixed`. */
  nodeIs(node: string, state: string): Promise<void> {
    return this.until(`${node} is ${state}`, () => {
      const { status, stdout } = spawnSync('sinfo', ['-h', '-n', node, '-o', '%T'], {
        env: this.env,
        encoding: 'utf8',
      });
      return status === 0 && stdout.trim().replace(/\W+$/, '') === state;
    });
  }

  /** Waits for what comes sooner or later. @throws Error with the daemons' last words where it does not. */
  async until(what: string, isSo: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
    const end = Date.now() + patienceMs;
    while (!isSo()) {
      if (Date.now() > end)
        throw new Error(
          `${what}: not within ${patienceMs} ms\n${this.client('sinfo', '-N', '-l')}${this.#lastWords()}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes) await this.powerOff(node);
    await this.#stop('slurmctld', 'SIGTERM');
    await this.#stop('munged', 'SIGTERM');
    process.off('exit', this.#killAll);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #configure({ cpus = 2, gpus = {}, config = [] }: LocalSlurmOptions): Promise<void> {
    const at = (name: string) => join(this.folder, name);
    const host = hostname();
    const ports = await freePorts(this.#nodes.length + 1);
    for (const name of ['state', 'spool', 'log']) mkdirSync(at(name));
    writeFileSync(at('munge.key'), randomBytes(128), { mode: 0o400 });
    writeFileSync(at('plugstack.conf'), '');
    // No job uses control groups, and the plugin of their second version needs D-Bus, which a small machine may lack.
    writeFileSync(at('cgroup.conf'), 'CgroupPlugin=cgroup/v1\n');
    const lines = [
      'ClusterName=local',
      `SlurmctldHost=${host}(127.0.0.1)`,
      `SlurmctldPort=${ports[0]}`,
      ...['SlurmUser=root', 'SlurmdUser=root', 'AuthType=auth/munge', 'CredType=cred/munge'],
      // A job that is requeued waits until its credentials of before have expired: five seconds instead of two minutes.
      `AuthInfo=socket=${at('munge.socket')},cred_expire=5`,
      ...(this.#installed.plugins === null ? [] : [`PluginDir=${this.#installed.plugins}`]),
      `PlugStackConfig=${at('plugstack.conf')}`,
      `StateSaveLocation=${at('state')}`,
      `SlurmdSpoolDir=${at('spool')}/%n`,
      `SlurmctldPidFile=${at('slurmctld.pid')}`,
      `SlurmdPidFile=${at('%n.pid')}`,
      `SlurmctldLogFile=${at('log')}/slurmctld.log`,
      `SlurmdLogFile=${at('log')}/%n.log`,
      // No control groups: a container or a virtual machine may have none to give.
      ...['ProctrackType=proctrack/linuxproc', 'TaskPlugin=task/none', 'MpiDefault=none'],
      ...['SelectType=select/cons_tres', 'SelectTypeParameters=CR_CPU'],
      ...['AccountingStorageType=accounting_storage/none', 'JobCompType=jobcomp/none'],
      // A node that was lost serves again as soon as it answers; it is missed after a few seconds instead of five minutes.
      ...['ReturnToService=2', 'SlurmdTimeout=5', 'KillWait=2', 'MinJobAge=3600', 'JobRequeue=1'],
      'SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1',
      ...(Object.keys(gpus).length > 0 ? [`TaskProlog=${at('prolog.sh')}`] : []),
      ...config,
      ...this.#nodes.map(
        (node, index) =>
          `NodeName=${node} NodeHostname=${this.#hostNames ? node : host} NodeAddr=127.0.0.1 Port=${ports[index + 1]} CPUs=${cpus}`,
      ),
      'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP',
    ];
    writeFileSync(at('slurm.conf'), `${lines.join('\n')}\n`);
    const visible = Object.entries(gpus).map(
      ([node, numbers]) => `${node}) echo "export CUDA_VISIBLE_DEVICES=${numbers.join(',')}" ;;\n`,
    );
    // What a task's prolog prints becomes the task's environment.
    const prolog = `#!/bin/sh\ncase $SLURMD_NODENAME in\n${visible.join('')}esac\n`;
    writeFileSync(at('prolog.sh'), prolog, { mode: 0o755 });
  }

  async #startMunge(): Promise<void> {
    const socket = join(this.folder, 'munge.socket');
    const files = {
      'key-file': 'munge.key',
      'pid-file': 'munged.pid',
      'log-file': 'munged.log',
      'seed-file': 'seed',
    };
    const flags = Object.entries(files).map(([flag, name]) => `--${flag}=${join(this.folder, name)}`);
    this.#start('munged', this.#installed.munged, ['--foreground', `--socket=${socket}`, ...flags]);
    await this.until('munge listens', () => readdirSync(this.folder).includes('munge.socket'));
  }

  #start(name: string, program: string, args: readonly string[]): void {
    // Where a daemon or a job dies of a signal, its core is left in the folder that goes.
    const { env, folder: cwd } = this;
    const child = spawn(program, args, { env, cwd, stdio: 'ignore', detached: true });
    this.#daemons.set(name, child);
  }

  async #stop(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#daemons.get(name);
    this.#daemons.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(patience);
  }

  /** When the test's process ends in the middle: nothing of the cluster stays. */
  #kill(): void {
    for (const child of this.#daemons.values()) child.kill('SIGKILL');
    for (const node of this.#nodes) for (const process of processesOn(node, this.folder)) kill(process);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #lastWords(): string {
    const folder = join(this.folder, 'log');
    const words = readdirSync(folder).map((name) => {
      const lines = readFileSync(join(folder, name), 'utf8').trim().split('\n');
      return [`${name}:`, ...lines.slice(-8)].join('\n');
    });
    return words.join('\n');
  }
}

/** The processes of jobs on a node of the cluster in this folder, and the step daemons that watch them. */
function processesOn(node: string, folder: string): number[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const ofJobs = processes.filter((process) => {
    const variables = textOf(`/proc/${process}/environ`).split('\0');
    return (
      variables.includes(`SLURMD_NODENAME=${node}`) &&
      variables.includes(`SLURM_CONF=${join(folder, 'slurm.conf')}`)
    );
  });
  const parents = ofJobs.map((process) =>
    textOf(`/proc/${process}/stat`).replace(/^.*\) \S+ (\d+).*$/s, '$1'),
  );
  const watching = parents.filter((process) => textOf(`/proc/${process}/cmdline`).includes('slurmstepd'));
  return [...new Set([...watching, ...ofJobs])].map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Empty for a process that has ended meanwhile. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
