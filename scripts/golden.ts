/** Writes the golden example anew, after a change to the generator that is meant. */
import { writeProgram } from '../codegen/writeProgram.ts';
import { GOLDEN, generateScenario } from '../test/codegen/scenarios.ts';

process.stdout.write(`${writeProgram(generateScenario(GOLDEN), 'generated')}\n`);
