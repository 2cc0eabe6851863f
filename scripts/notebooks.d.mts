export function notebooksOf(language: 'typescript' | 'python'): string[];
export function execute(notebook: string, out: string): { status: number | null; stderr: string; file: string };
