import type { ComponentChildren } from 'preact';

export interface FigureProps {
  id: string;
  title: string;
  /** Behind the title: what the drawing is of. */
  note?: string | undefined;
  isStale: boolean;
  /** What the drawing shows, in words, for readers who do not see it. */
  says: string;
  legend?: ComponentChildren;
  /** The same numbers as a table. */
  table: ComponentChildren;
  children: ComponentChildren;
}

/** A drawing with its title and legend, its words and its table. */
export function Figure({ id, title, note, isStale, says, legend, table, children }: FigureProps) {
  return (
    <figure
      id={id}
      class={isStale ? 'panel stale' : 'panel'}
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-says`}
      aria-busy={isStale}
    >
      <figcaption>
        <h2 id={`${id}-title`}>{title}</h2>
        {note !== undefined && <span class="note">{note}</span>}
      </figcaption>
      {legend !== undefined && (
        <ul class="legend" aria-hidden="true">
          {legend}
        </ul>
      )}
      <p id={`${id}-says`} class="unseen">
        {says}
      </p>
      <div class="drawing" aria-hidden="true">
        {children}
      </div>
      <details class="data">
        <summary>
          Table<span class="unseen"> of {title}</span>
        </summary>
        <div class="scroll">{table}</div>
      </details>
    </figure>
  );
}

export interface TableProps {
  caption: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

/** Texts in rows; the first of each is its heading. */
export function Table({ caption, head, rows }: TableProps) {
  return (
    <table>
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          {head.map((text) => (
            <th key={text} scope="col">
              {text}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([heading, ...cells]) => (
          <tr key={heading}>
            <th scope="row">{heading}</th>
            {cells.map((cell, index) => (
              <td key={index}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A colour of the legend and what it stands for. */
export function Key({ kind, children }: { kind: string; children: ComponentChildren }) {
  return (
    <li>
      <span class={`swatch ${kind}`} />
      {children}
    </li>
  );
}
