import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { installBrowser, PACKAGE } from '../scripts/browser.mjs';

const environment = suite('the browser for the tests of pages');
const root = mkdtempSync(join(tmpdir(), 'chunkflow-browser-'));
environment.after(() => rmSync(root, { recursive: true }));

function program(name: string, text: string): string {
  const file = join(root, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

const whyNot = (result: ReturnType<typeof installBrowser>) => (result.ok ? 'ok' : result.why);

environment('its version is exact', () => assert.match(PACKAGE, /^@[a-z]+\/[a-z]+@\d+\.\d+\.\d+$/));

environment('CHROME is taken before one on PATH, and one on PATH before any is installed', () => {
  const own = program('own', 'true');
  const onPath = program('google-chrome', 'true');
  const executable = (env: Record<string, string>) => {
    const result = installBrowser({ root: join(root, 'none'), env, npm: 'no-such-npm' });
    return result.ok ? result.executable : result.why;
  };
  assert.is(executable({ CHROME: own, PATH: root }), own);
  assert.is(executable({ PATH: `/nowhere:${root}` }), onPath);
  rmSync(onPath);
});

environment('CHROME that is no program is named', () => {
  const result = installBrowser({ env: { CHROME: join(root, 'gone'), PATH: root } });
  assert.match(whyNot(result), /^CHROME: ".*gone" is no program; set CHROME to a Chromium/);
});

if (process.platform === 'linux' && process.arch === 'x64') {
  environment('what is installed is not installed again', () => {
    const there = join(root, 'there');
    mkdirSync(join(there, PACKAGE.split('@').at(-1)!), { recursive: true });
    const said: string[] = [];
    const result = installBrowser({
      root: there,
      env: {},
      npm: 'no-such-npm',
      say: (text) => said.push(text),
    });
    assert.is(result.ok && result.executable, join(there, PACKAGE.split('@').at(-1)!, 'chromium'));
    assert.equal(said, []);
  });

  environment('where npm fails, its last line is passed on, and nothing half is left', () => {
    const npm = program('npm', 'echo "Looking" >&2; echo "no registry today" >&2; exit 1');
    const broken = join(root, 'broken');
    const why = whyNot(installBrowser({ root: broken, env: {}, npm }));
    assert.match(why, /^no Chromium on PATH, and npm could not install .* \(no registry today\); set CHROME/);
    assert.is(why.split('\n').length, 1);
    assert.equal(readdirSync(broken), []);
  });

  environment('a package without its program is not taken for one', () => {
    const npm = program(
      'empty-npm',
      'mkdir -p "$3/node_modules/@sparticuz/chromium/build"\n' +
        'echo "export default { executablePath() {} }" > "$3/node_modules/@sparticuz/chromium/build/index.js"\n' +
        'echo "{\\"type\\":\\"module\\"}" > "$3/node_modules/@sparticuz/chromium/package.json"',
    );
    const empty = join(root, 'empty');
    assert.match(
      whyNot(installBrowser({ root: empty, env: {}, npm })),
      /holds no program "chromium"; set CHROME/,
    );
    assert.not.ok(existsSync(join(empty, PACKAGE.split('@').at(-1)!)));
  });
}

environment.run();
