// A sample of what `node scripts/fault-test.ts` tries in full.

import { describe, expect, test } from 'vitest';
import { randomStream } from '../../src/util/random.ts';
import { faultCase, filesOfRun, flipCase, operationsOf, PHASES } from './cases.ts';
import { FAULTS } from './injector.ts';

const random = randomStream(15, 'faults');

describe.each(PHASES)('an operation on the files of a run that fails (%s)', async (phase) => {
  const operations = await operationsOf(phase);

  test.each(FAULTS)('with %s, once or for ever', async (fault) => {
    for (let i = 0; i < 2; i++) {
      const injection = { fault, at: 1 + random.integer(operations), forEver: i % 2 === 0 };
      expect(await faultCase(phase, injection), JSON.stringify(injection)).toBeUndefined();
    }
  });
});

describe('a bit that flipped', async () => {
  test.each(await filesOfRun())('in $path is found, or does no harm', async ({ path, bytes }) => {
    const bit = random.integer(8 * bytes);
    expect(await flipCase(path, bit), `bit ${bit}`).toBeUndefined();
  });
});
