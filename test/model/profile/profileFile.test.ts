import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { UserError } from '../../../model/input/userError.ts';
import { parseProfile, readProfile } from '../../../model/profile/profileFile.ts';
import type { Profile } from '../../../model/profile/profileFormat.ts';

const EXAMPLE = join(packageRoot, 'experiments', 'profile', 'synthetic-dit.profile.json');
const TEXT = readFileSync(EXAMPLE, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-profile-'));

const reading = suite('profiles');
reading.after(() => rmSync(folder, { recursive: true, force: true }));

reading('the example is one, and is read as it stands', () => {
  const { profile } = readProfile(EXAMPLE);
  assert.equal(profile, JSON.parse(TEXT));
  assert.match(profile.made.device, 'synthetic');
});

/** The example with one change, a line for each value; no two lines are alike enough to be mistaken for each other. */
const edited = (change: (profile: Profile) => void) => () => {
  const profile = JSON.parse(TEXT) as Profile;
  change(profile);
  return JSON.stringify(profile, null, 1);
};
const replaced = (from: string | RegExp, to: string) => () => {
  const text = TEXT.replace(from, to);
  assert.not.equal(text, TEXT);
  return text;
};
const kind = (change: (kind: Profile['kinds'][number]) => void) => edited(({ kinds }) => change(kinds[0]!));

const REFUSED: [what: string, text: () => string, why: RegExp][] = [
  ['nothing', () => '', /:1:1: the JSON is cut short here; make it anew with chunkflow_offload\.profile$/],
  ['a torn file', () => TEXT.slice(0, 900), /:\d+:\d+: the JSON is cut short here; make it anew/],
  ['a list', () => '[]', /:1:1: the file: expected object/],
  ['null', () => 'null', /:1:1: the file: /],
  [
    'a plan',
    replaced('profile@1', 'plan@2'),
    /:2:12: schema: expected chunkflow\/profile@1, got "chunkflow\/plan@2"; is it/,
  ],
  ['a key twice', replaced('"made": {', '"made": {"at": "x",'), /: the key "at" is there twice/],
  [
    'a key that is not known',
    replaced('"spread"', '"spred"'),
    /spred: unknown key; did you mean "spread"\?$/,
  ],
  [
    'a key of all objects',
    replaced('"name": "SyntheticDiT"', '"__proto__": {}, "name": "SyntheticDiT"'),
    /model\.__proto__: unknown key/,
  ],
  [
    'a key of all objects at the top',
    replaced('{\n', '{ "constructor": 1,\n'),
    /:1:18: constructor: unknown key/,
  ],
  [
    'a missing key',
    edited((p) => Reflect.deleteProperty(p.outside, 'seconds')),
    /outside\.seconds: is missing; expected number/,
  ],
  [
    'an id for no plan',
    edited((p) => (p.model.id = 'My Model')),
    /:4:\d+: model\.id: expected at most 100 small letters, digits, dots and dashes, got "My Model"/,
  ],
  [
    'a short fingerprint',
    edited((p) => (p.fingerprint = 'sha256:12')),
    /fingerprint: expected sha256: and 64 hexadecimal digits, got "sha256:12"/,
  ],
  ['no rank', edited((p) => (p.step.ranks = 0)), /step\.ranks: .*>=1, got 0/],
  ['half a rank', edited((p) => (p.step.ranks = 1.5)), /step\.ranks: .*expected int, got 1\.5/],
  ['a million ranks', edited((p) => (p.step.ranks = 1e6)), /step\.ranks: .*<=1024, got 1000000/],
  ['a thousand passes', edited((p) => (p.step.passes = 1000)), /step\.passes: .*<=64, got 1000/],
  ['a million blocks', edited((p) => (p.blocks[0]!.count = 1e6)), /blocks\.0\.count: .*<=10000, got 1000000/],
  [
    'as many in runs',
    edited((p) => {
      p.blocks = Array.from({ length: 3 }, (_, run) => ({
        container: `b${run}`,
        first: 0,
        count: 4000,
        kind: 0,
      }));
    }),
    /blocks\.2\.count: more than 10000 blocks in a pass/,
  ],
  ['no blocks', edited((p) => (p.blocks = [])), /blocks: .*>=1 items/],
  ['no kinds', edited((p) => (p.kinds = [])), /kinds: .*>=1 items/],
  [
    'a kind that is not there',
    edited((p) => (p.blocks[0]!.kind = 1)),
    /blocks\.0\.kind: expected a place in kinds, from 0 to 0, got 1/,
  ],
  [
    'a kind of no block',
    edited((p) => p.kinds.push(p.kinds[0]!)),
    /kinds\.1: no block is of this kind; take it out/,
  ],
  [
    'a block twice',
    edited((p) => p.blocks.push({ container: 'blocks', first: 39, count: 2, kind: 0 })),
    /blocks\.1\.first: "blocks" 39 is also one of blocks\.0/,
  ],
  [
    'a window too few',
    kind((k) => k.windows.pop()),
    /kinds\.0\.windows: expected 3, one more than collectives, got 2/,
  ],
  [
    'a window too many',
    kind((k) => k.collectives.pop()),
    /kinds\.0\.windows: expected 2, one more than collectives, got 3/,
  ],
  [
    'a time below nothing',
    kind((k) => (k.windows[1]!.seconds = -1)),
    /kinds\.0\.windows\.1\.seconds: .*>=0, got -1/,
  ],
  ['a time that is none', replaced('0.0021', '1e999'), /kinds\.0\.windows\.0\.seconds: /],
  [
    'a day and more',
    kind((k) => (k.windows[0]!.seconds = 86_401)),
    /windows\.0\.seconds: .*<=86400, got 86401/,
  ],
  [
    'a collective of no kind',
    replaced('"kind": "all-to-all"', '"kind": "broadcast"'),
    /kinds\.0\.collectives\.0\.kind: /,
  ],
  [
    'a collective of no bytes',
    kind((k) => (k.collectives[0]!.sentBytes = 0)),
    /collectives\.0\.sentBytes: .*>=1, got 0/,
  ],
  [
    'collectives of one rank',
    edited((p) => (p.step.ranks = 1)),
    /kinds\.0\.collectives: one rank has no collectives, got 2; step\.ranks is the ranks that meet in them/,
  ],
  [
    'a tensor off its boundary',
    kind((k) => (k.tensors[1]!.offset += 1)),
    /kinds\.0\.tensors\.1\.offset: .*multiple of 256, got 52428801/,
  ],
  [
    'a tensor behind its block',
    kind((k) => (k.weightBytes -= 1)),
    /kinds\.0\.tensors\.19\.bytes: ends at 702665728, behind the 702665727 bytes of the block/,
  ],
  [
    'tensors in each other',
    kind((k) => (k.tensors[1]!.offset -= 256)),
    /kinds\.0\.tensors\.1\.offset: "attn1\.to_q\.bias" begins at 52428544, within "attn1\.to_q\.weight", which ends at 52428800/,
  ],
  [
    'a tensor twice',
    kind((k) => (k.tensors[3]!.name = 'attn1.to_q.bias')),
    /kinds\.0\.tensors\.3\.name: "attn1\.to_q\.bias" is also the name of tensors\.1/,
  ],
  [
    'bytes beyond what numbers count',
    replaced('"bytes": 480000000', '"bytes": 9007199254740993'),
    /outside\.bytes: /,
  ],
  [
    'a name that a terminal would act on',
    edited((p) => (p.made.device = 'H200\u001b[2J')),
    /made\.device: expected no control characters, got "H200\\u001b\[2J"$/,
  ],
  [
    'control characters',
    edited((p) => (p.fingerprint = '\u001b[2J\n')),
    /fingerprint: .*got "\\u001b\[2J\\n"$/,
  ],
];

for (const [what, text, why] of REFUSED) {
  reading(`${what}: refused, with its place`, () => {
    assert.throws(
      () => parseProfile('p.json', text()),
      (error: unknown) => {
        assert.instance(error, UserError);
        const { message, place } = error as UserError;
        assert.match(message, why);
        assert.match(message, /^p\.json:\d+:\d+: [^\n]+$/);
        assert.ok(place!.line! >= 1);
        return true;
      },
    );
  });
}

reading('tensors may be listed in any order, and an empty one takes no place', () => {
  const { profile } = parseProfile(
    'p.json',
    kind((k) => {
      k.tensors.reverse();
      k.tensors.push({ name: 'empty', offset: 0, bytes: 0, dtype: 'bfloat16', shape: [0] });
    })(),
  );
  assert.is(profile.kinds[0]!.tensors.length, 21);
});

reading('a file that is not there, or is far too large, is named', () => {
  assert.throws(
    () => readProfile(join(folder, 'none.json')),
    /none\.json: cannot be read \(ENOENT\); give a profile/,
  );
  assert.throws(() => readProfile(folder), /cannot be read \(EISDIR\)/);
  const huge = join(folder, 'huge.json');
  writeFileSync(huge, Buffer.alloc(33 * 2 ** 20, ' '));
  assert.throws(
    () => readProfile(huge),
    /huge\.json:1:1: the file has 34603008 bytes, expected at most 33554432/,
  );
});

reading.run();
