/** Where in a file a value stands; line and column count from 1. */
export interface Place {
  file: string;
  line?: number;
  column?: number;
}

/**
 * A mistake in what the user gave us: it prints as one line and never as a stack.
 *
 * The message names the thing, the value and the way out; `place` is put in front in the form editors
 * make clickable (`machine.yaml:7:17: links.0.lanes: expected one of 1|2|4|8|16, got 12`).
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly place: Place | undefined;

  constructor(message: string, place?: Place) {
    super(place === undefined ? message : `${formatPlace(place)}: ${message}`);
    this.place = place;
  }
}

function formatPlace({ file, line, column }: Place): string {
  return [file, line, column].filter((part) => part !== undefined).join(':');
}

/** A value as it should appear in a message: short, quoted if text, never more than a line. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
