export const PACKAGE: string;
export function installBrowser(options?: {
  root?: string;
  env?: NodeJS.ProcessEnv;
  npm?: string;
  say?: (text: string) => void;
}): { ok: true; executable: string; env: Record<string, string> } | { ok: false; why: string };
