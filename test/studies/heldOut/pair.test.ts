import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { readCalibration } from '../../../studies/calibration/calibrationFile.ts';
import { fitMachine } from '../../../studies/calibration/fitMachine.ts';
import { readSteps } from '../../../studies/dataset/stepRecords.ts';
import { compareSteps } from '../../../studies/heldOut/compareSteps.ts';
import { brokenLimits } from '../../../studies/heldOut/limits.ts';
import { heldOutReport } from '../../../studies/heldOut/report.ts';

const dataset = (name: string) => join(packageRoot, 'experiments', 'pair', `${name}.jsonl`);
const reportOf = (names: readonly string[], machine = loadSystem('h200-x2-fitted')) =>
  heldOutReport(compareSteps(readSteps(names.map(dataset)), machine), 3);

const pair = suite('a pair of H200s as fitted in the same hour predicts steps that it has not seen');
const report = reportOf(['host-b/pair-steps', 'host-b/pair-full-depth']);

// What the committed machine and datasets give, and a tenth: a model that gets worse fails here.
for (const limit of ['simulated=1.9%', 'closedForm=2%', 'memory=1.3%', 'tau=0.94']) {
  pair(`within ${limit}`, () => assert.equal(brokenLimits(report, [limit]), []));
}

for (const [transport, steps, most] of [
  ['shm', 81, 0.0155],
  ['staged-sm:16', 72, 0.0225],
  ['staged-copy', 78, 0.018],
] as const) {
  pair(`over ${transport} within ${most * 100} %`, () => {
    const { simulated } = report.classes.find(({ name }) => name === `real, ${transport}`)!;
    assert.is(simulated.n, steps);
    assert.ok(simulated.mape <= most, `${simulated.mape}`);
    assert.ok(simulated.largest <= 0.08, `${simulated.largest}`);
  });
}

pair('every block of a model is predicted as well as three or four of them', () => {
  const whole = reportOf(['host-b/pair-full-depth']);
  assert.equal(brokenLimits(whole, ['simulated=2.8%', 'closedForm=3.1%', 'memory=1.3%', 'tau=0.99']), []);
});

pair('over NVLink too', () => {
  assert.equal(brokenLimits(reportOf(['host-b/pair-nvlink']), ['simulated=2.1%', 'closedForm=2.1%']), []);
});

pair.run();

const other = suite('another pair of H200s');

other('half a minute of calibration there brings the first one there', () => {
  const quick = fitMachine(
    readCalibration(join(packageRoot, 'experiments', 'pair', 'host-a', 'calibration.yaml')),
  );
  const limits = ['simulated=2.2%', 'closedForm=2.6%', 'tau=0.94'];
  assert.equal(brokenLimits(reportOf(['host-a/host-a-steps'], quick.system), limits), []);
});

other("the file that was read off a third pair's NCCL is farther off", () => {
  const unfitted = reportOf(['host-a/host-a-steps'], loadSystem('h200-x2'));
  assert.match(brokenLimits(unfitted, ['simulated=4%'])[0]!, /^simulated is 4\.\d+ %/);
});

other.run();
