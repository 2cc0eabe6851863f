/** Slurm's programs, or why there are none. */
export type SlurmInstallation =
  | {
      ok: true;
      slurmctld: string;
      slurmd: string;
      slurmstepd: string;
      munged: string;
      srun: string;
      /** The folder of the plugins; null for the one that Slurm was built for. */
      plugins: string | null;
      env: Record<string, string>;
    }
  | { ok: false; why: string };

export const PACKAGES: readonly string[];

export function installSlurm(options?: {
  root?: string;
  env?: NodeJS.ProcessEnv;
  say?: (text: string) => void;
}): SlurmInstallation;
