import { useEffect, useMemo, useState } from 'preact/hooks';
import type { ModelClient } from '../../client.ts';
import type { GivenKind } from '../../protocol.ts';
import type { ExplorerState } from '../../state.ts';

/** A file of the user's, or one that the page made: the model knows it by its name from then on. */
export interface UserFile {
  name: string;
  content: string | Blob;
}

export interface Files {
  names: readonly string[];
  /** A file is being dragged over the page. */
  isOver: boolean;
  trouble: string | null;
  give(file: UserFile): Promise<void>;
  /** Hands a file to the browser's downloads. */
  save(name: string): void;
}

/** Files by drop, by choice or by search; `onGiven` hears what each is. */
export function useFiles(
  model: ModelClient,
  state: ExplorerState,
  onGiven: (name: string, is: GivenKind) => void,
): Files {
  const known = useMemo(() => new Map<string, string | Blob>(), []);
  const [names, setNames] = useState<readonly string[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  // Whoever goes on with something else has read it.
  useEffect(() => setTrouble(null), [state]);
  const give = async ({ name, content }: UserFile) => {
    try {
      const reply = await model.ask<'file'>({ kind: 'file', name, content });
      known.set(name, content);
      setNames([...known.keys()]);
      setTrouble(null);
      if (reply !== null) onGiven(name, reply.is);
    } catch (error) {
      setTrouble((error as Error).message);
    }
  };
  const isOver = useDrop((file) => void give({ name: file.name, content: file }));
  const save = (name: string) => download(name, known.get(name)!);
  return { names, isOver, trouble, give, save };
}

function useDrop(onFile: (file: File) => void): boolean {
  const [isOver, setIsOver] = useState(false);
  useEffect(() => {
    const onDragOver = (event: DragEvent) => {
      if (event.dataTransfer?.types.includes('Files') !== true) return;
      event.preventDefault();
      setIsOver(true);
    };
    const onLeave = (event: DragEvent) => event.relatedTarget === null && setIsOver(false);
    const onDrop = (event: DragEvent) => {
      event.preventDefault();
      setIsOver(false);
      for (const file of event.dataTransfer?.files ?? []) onFile(file);
    };
    addEventListener('dragover', onDragOver);
    addEventListener('dragleave', onLeave);
    addEventListener('drop', onDrop);
    return () => {
      removeEventListener('dragover', onDragOver);
      removeEventListener('dragleave', onLeave);
      removeEventListener('drop', onDrop);
    };
  });
  return isOver;
}

function download(name: string, content: string | Blob): void {
  const url = URL.createObjectURL(typeof content === 'string' ? new Blob([content]) : content);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
