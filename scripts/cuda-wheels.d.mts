export declare const WHEELS: readonly string[];
export declare function cudaWheels(options?: {
  root?: string;
  check?: boolean;
  python?: string;
  say?: (text: string) => void;
}): { ok: true; root: string } | { ok: false; why: string };
