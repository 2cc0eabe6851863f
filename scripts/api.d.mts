export function writeReference(options?: { out?: string; say?: (text: string) => void }): string | null;
