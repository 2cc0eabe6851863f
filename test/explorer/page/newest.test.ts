import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Newest, type Outcome } from '../../../explorer/page/model/newest.ts';

const test = suite('one question at a time, and of those that wait the newest');

/** Questions that a test answers when it likes. */
function answeredByHand() {
  const asked: number[] = [];
  const answers: { resolve(reply: string): void; reject(error: Error): void }[] = [];
  const heard: Outcome<number, string>[] = [];
  const newest = new Newest<number, string>(
    (question) => {
      asked.push(question);
      return new Promise((resolve, reject) => answers.push({ resolve, reject }));
    },
    (outcome) => heard.push(outcome),
  );
  const settle = async (act: () => void) => {
    act();
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { asked, answers, heard, newest, settle };
}

test('questions of a drag are skipped but for the first and the last', async () => {
  const { asked, answers, heard, newest, settle } = answeredByHand();
  for (const question of [1, 2, 3, 4]) newest.want(question);
  assert.equal(asked, [1]);
  await settle(() => answers[0]!.resolve('one'));
  assert.equal(asked, [1, 4]);
  await settle(() => answers[1]!.resolve('four'));
  assert.equal(asked, [1, 4]);
  assert.equal(heard, [
    { of: 1, reply: 'one' },
    { of: 4, reply: 'four' },
  ]);
});

test('after a mistake the next is asked all the same', async () => {
  const { asked, answers, heard, newest, settle } = answeredByHand();
  newest.want(1);
  newest.want(2);
  const error = new Error('--size: expected ...');
  await settle(() => answers[0]!.reject(error));
  assert.equal(heard, [{ of: 1, error }]);
  assert.equal(asked, [1, 2]);
});

test('what is answered at once is heard in order', async () => {
  const heard: number[] = [];
  const newest = new Newest<number, number>(
    (question) => Promise.resolve(question),
    (outcome) => heard.push(outcome.of),
  );
  for (const question of [1, 2, 3]) {
    newest.want(question);
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.equal(heard, [1, 2, 3]);
});

test.run();
