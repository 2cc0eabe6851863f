import { useState } from 'preact/hooks';

export interface ReproduceProps {
  command: string;
  link: string;
  /** Names of files that the state needs and the link does not hold. */
  files: readonly string[];
  onSave(name: string): void;
}

/** The command line that gives the same numbers, and the link that opens the same page. */
export function Reproduce({ command, link, files, onSave }: ReproduceProps) {
  return (
    <section class="panel reproduce" aria-labelledby="reproduce-title">
      <h2 id="reproduce-title">The same numbers</h2>
      <pre>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
        <code id="command" tabIndex={0}>
          {command}
        </code>
      </pre>
      <div class="row">
        <CopyButton text={command}>Copy the command</CopyButton>
        <CopyButton text={link}>Copy the link</CopyButton>
      </div>
      {files.length > 0 && (
        <ul class="needs">
          {files.map((name) => (
            <li key={name}>
              needs the file <bdi class="code">{name}</bdi>{' '}
              <button type="button" onClick={() => onSave(name)}>
                Save it
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function CopyButton({ text, children }: { text: string; children: string }) {
  const [copied, setCopied] = useState<string | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(text);
    } catch {
      // Some browsers give the clipboard to nobody: the text is there to be selected.
      getSelection()?.selectAllChildren(document.getElementById('command')!);
      setCopied(null);
    }
  };
  return (
    <button type="button" onClick={() => void copy()}>
      {copied === text ? 'Copied' : children}
    </button>
  );
}
