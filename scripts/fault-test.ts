// Fails every operation on the files of a run in turn, with every kind of failure, once and for ever, and
// flips bits in all of its files: over a thousand cases. Nothing may be silently wrong, nothing that was saved
// lost, and what is said is one sentence. The suite tries a sample (test/faults).
//
//   node scripts/fault-test.ts [--flips 40] [--seed 1]

import { parseArgs } from 'node:util';
import { randomStream } from '../src/util/random.ts';
import { faultCase, filesOfRun, flipCase, operationsOf, PHASES } from '../test/faults/cases.ts';
import { FAULTS } from '../test/faults/injector.ts';

const { values } = parseArgs({
  options: {
    flips: { type: 'string', default: '40' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
  },
});

const random = randomStream(Number(values.seed), 'fault-test');
let cases = 0;
let failed = 0;

function note(name: string, problem: string | undefined): void {
  cases++;
  if (problem === undefined) return;
  failed++;
  console.log(`${name}: ${problem}`);
}

for (const phase of PHASES) {
  const operations = await operationsOf(phase);
  for (const fault of FAULTS) {
    for (const forEver of fault === 'kill' ? [true] : [false, true]) {
      for (let at = 1; at <= operations; at++) {
        const name = `${phase}, operation ${at} of ${operations}, ${fault}${forEver ? ' for ever' : ''}`;
        note(name, await faultCase(phase, { fault, at, forEver }));
      }
    }
  }
  console.log(`${phase}: ${operations} operations; ${cases} cases so far, ${failed} failed`);
}
for (const { path, bytes } of await filesOfRun()) {
  for (let i = 0; i < Number(values.flips); i++) {
    const bit = random.integer(8 * bytes);
    note(`${path}, bit ${bit} of seed ${values.seed}`, await flipCase(path, bit));
  }
}
console.log(`${cases} cases, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
