export const PACKAGES: readonly string[];
export function installJupyter(options?: {
  root?: string;
  python?: string;
  say?: (text: string) => void;
}): { ok: true; jupyter: string } | { ok: false; why: string };
