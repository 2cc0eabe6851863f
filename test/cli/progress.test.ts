import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startProgress } from '../../cli/text/progress.ts';

/** What progress prints for `count` pieces of work that take `pieceMs` each. */
function shown(count: number, pieceMs: number, terminal: boolean): string {
  let text = '';
  let clockMs = 0;
  const output = {
    result: () => {},
    diagnostic: (more: string) => {
      text += more;
    },
    terminal,
  };
  const progress = startProgress(output, 'plans', count, () => clockMs);
  for (let done = 0; done < count; done += 1) {
    clockMs += pieceMs;
    progress.advance('next');
  }
  progress.end();
  return text;
}

const test = suite('progress');

test('nothing below a second', () => {
  assert.is(shown(100, 9, true), '');
  assert.is(shown(100, 9, false), '');
});

test('without a terminal at most a line per 5 %', () => {
  const lines = shown(1000, 10, false).trimEnd().split('\n');
  assert.ok(lines.length > 10 && lines.length <= 20, `${lines.length} lines`);
  assert.match(lines[1]!, /^plans \d+\/1000 \(\d+ %\), 1\.0e\+2\/s, 9 s left, next$/);
});

test('on a terminal one line, redrawn and removed', () => {
  const text = shown(1000, 10, true);
  assert.not.match(text, '\n');
  assert.match(text, /\r +\r$/);
});

test.run();
