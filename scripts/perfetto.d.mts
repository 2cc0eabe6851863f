export const PACKAGES: readonly string[];
export function installPerfetto(options?: {
  root?: string;
  python?: string;
  say?: (text: string) => void;
}): { ok: true; page: string; version: string } | { ok: false; why: string };
