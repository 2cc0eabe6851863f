export const PACKAGES: readonly string[];
export function installPython(options?: {
  root?: string;
  python?: string;
  say?: (text: string) => void;
}): { ok: true; python: string } | { ok: false; why: string };
