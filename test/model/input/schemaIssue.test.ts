import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { z } from 'zod';
import { issueText } from '../../../model/input/schemaIssue.ts';

const test = suite('what a schema expected');

const isSum = z
  .strictObject({ a: z.number(), b: z.number() })
  .refine(({ a, b }) => a < b, 'expected a below b');

const CASES: [z.ZodType, unknown, string][] = [
  [z.strictObject({ id: z.string() }), {}, 'is missing; expected string'],
  [z.number(), 'soon', 'expected number, got "soon"'],
  [z.number().min(0), -1, 'too small: expected number to be >=0, got -1'],
  [z.literal('chunkflow/steps@1'), 'other', 'expected "chunkflow/steps@1", got "other"'],
  [z.array(z.string()), { a: 1 }, 'expected array, got {"a":1}'],
  [z.strictObject({}), { surplus: 1 }, 'unrecognized key: "surplus"'],
  [isSum, { a: 2, b: 1 }, 'expected a below b'],
  [z.string().refine(() => false, 'expected a name'), 'x', 'expected a name, got "x"'],
];
for (const [schema, value, text] of CASES)
  test(text, () => {
    const { error } = schema.safeParse(value, { reportInput: true });
    assert.is(issueText(error!.issues[0]!), text);
  });

test.run();
