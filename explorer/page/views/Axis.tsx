import type { ScaleContinuousNumeric } from 'd3-scale';

export interface AxisProps {
  /** To per cent of the width. */
  scale: ScaleContinuousNumeric<number, number>;
  ticks: readonly number[];
  format(value: number): string;
  unit: string;
}

/** Marks below a drawing whose places are per cent of its width. */
export function Axis({ scale, ticks, format, unit }: AxisProps) {
  return (
    <div class="axis">
      {ticks.map((value, index) => (
        <span
          key={value}
          class={scale(value) > 94 ? 'tick last' : 'tick'}
          style={{ left: `${scale(value)}%` }}
        >
          {format(value)}
          {index === ticks.length - 1 && <span class="axis-unit"> {unit}</span>}
        </span>
      ))}
    </div>
  );
}

/** Faint lines at the marks, behind what is drawn. */
export function Grid({ scale, ticks }: Pick<AxisProps, 'scale' | 'ticks'>) {
  return (
    <div class="grid">
      {ticks.map((value) => (
        <span key={value} style={{ left: `${scale(value)}%` }} />
      ))}
    </div>
  );
}
