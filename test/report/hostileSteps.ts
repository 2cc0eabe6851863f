import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names that mean something to HTML, to templates, to scripts, to Markdown, or to a reader's eye. */
const HOSTILE = [
  '</script><script>window.hit = 1</script>',
  '"><img src="http://elsewhere.example/x.png" onerror="window.hit = 1">',
  "' onmouseover='window.hit = 1",
  `{{title}} {{{title}}} \${window.hit = 1} <!-- ]]>`,
  '\u202egnp.exe \u2066inside\u2069 \u05e9\u05dc\u05d5\u05dd',
  '| `code` | *bold* [link](javascript:alert) @everyone',
  'x'.repeat(4000),
] as const;

/** Measured steps whose every free text is a hostile name: presets, and plans that a file holds under a name of their own. */
export function hostileSteps(folder: string): string {
  const lines = ['nvlink', 'choices'].flatMap((name) =>
    readFileSync(`experiments/pair/host-b/pair-${name}.jsonl`, 'utf8')
      .trim()
      .split('\n')
      .slice(0, 2 * HOSTILE.length),
  );
  const texts = lines.map((line, index) => {
    const run = JSON.parse(line);
    const name = HOSTILE[index % HOSTILE.length]!;
    run.cell.id = `${name} ${index}`;
    run.experiment = name;
    run.libraries = name;
    run.runtime = name;
    run.device = { name: `NVIDIA H200 ${name}`, driver: name, cuda: name };
    if (run.planFile !== undefined) {
      run.plan = name;
      run.planFile.name = name;
    }
    return JSON.stringify(run);
  });
  const file = join(folder, "a'b <c>.jsonl");
  writeFileSync(file, `${texts.join('\n')}\n`);
  return file;
}
