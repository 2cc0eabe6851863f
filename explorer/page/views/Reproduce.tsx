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
        <CopyButton text={command} otherwise="Select it above">
          Copy the command
        </CopyButton>
        <CopyButton text={link} otherwise="It is in the address bar">
          Copy the link
        </CopyButton>
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

interface CopyButtonProps {
  text: string;
  /** Where the text is, in browsers that give the clipboard to nobody. */
  otherwise: string;
  children: string;
}

function CopyButton({ text, otherwise, children }: CopyButtonProps) {
  const [done, setDone] = useState<{ text: string; says: string } | null>(null);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setDone({ text, says: 'Copied' }),
      () => setDone({ text, says: otherwise }),
    );
  return (
    <button type="button" aria-live="polite" onClick={() => void copy()}>
      {done?.text === text ? done.says : children}
    </button>
  );
}
