import type { ComponentChildren } from 'preact';

export interface PartProps {
  /** Class of its colour. */
  kind: string;
  /** Per cent of the bar. */
  from: number;
  width: number;
  title?: string;
  /** Shown where there is room for it. */
  children?: ComponentChildren;
}

/** A piece of a bar or a lane. What takes no time is not drawn; what takes any is at least a hair wide. */
export function Part({ kind, from, width, title, children }: PartProps) {
  if (width <= 0) return null;
  return (
    <span
      class={`part ${kind}`}
      title={title}
      style={{ left: `${from}%`, width: `max(1px, calc(${width}% - 1px))` }}
    >
      {children !== undefined && <span class="part-label">{children}</span>}
    </span>
  );
}
