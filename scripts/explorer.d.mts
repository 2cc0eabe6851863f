export const SITE: string;
export function buildExplorer(options?: {
  out?: string;
  say?: (text: string) => void;
}): Promise<{ name: string; bytes: number; gzipBytes: number }[]>;
