// What decides how many steps are in flight: what the device asks for, and how long its steps take.

import { describe, expect, test } from 'vitest';
import { epochOrder } from '../../src/data/batches.ts';
import { lowerInference } from '../../src/engine/lower-infer.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { evaluateSplit } from '../../src/train/evaluate.ts';
import { Feed } from '../../src/train/feed.ts';
import { arithmeticBackend } from './support/backends.ts';
import { deviceExecutable } from './support/beside-host.ts';
import { randomSplit } from './support/tiny.ts';

const split = randomSplit(40, 'train');
const order = epochOrder(1, 0, 40, true);
const program = lowerInference(createNetwork('resnet8', { classes: 3 }), { batchSize: 2 });
const compile = () => arithmeticBackend().compile(program);

/** Most steps that were in flight at a time, of 20 whose steps take so many seconds. */
async function mostInFlight(seconds: number, stepsInFlight?: number): Promise<number> {
  let clock = 0;
  let most = 0;
  const inner = deviceExecutable(await compile(), {
    onSubmit: (inFlight) => {
      most = Math.max(most, inFlight);
    },
    beforeStep: () => {
      clock += 1000 * seconds;
    },
  });
  const feed = new Feed({ ...inner, stepsInFlight }, split, undefined, () => clock);
  const batches: number[] = [];
  for await (const { batch } of feed.run({ order, first: 0, end: 20 })) batches.push(batch);
  expect(batches).toEqual(Array.from({ length: 20 }, (_, i) => i));
  return most;
}

describe('steps in flight', () => {
  test('are one where the executable asks for no more', async () => {
    expect(await mostInFlight(0.01)).toBe(1);
  });

  test('are as many as it asks for while they take a moment', async () => {
    expect(await mostInFlight(0.01, 4)).toBe(4);
    expect(await mostInFlight(0.5, 4)).toBe(4);
  });

  test('are fewer where whoever stops training would wait for them', async () => {
    expect(await mostInFlight(0.9, 4)).toBe(3);
    expect(await mostInFlight(1.5, 4)).toBe(2);
    expect(await mostInFlight(20, 4)).toBe(1);
  });
});

describe('a run of a feed', () => {
  test('ends when what was submitted is done, where no more may be', async () => {
    const feed = new Feed(deviceExecutable(await compile()), split);
    let seen = 0;
    const most = () => (seen < 5 ? Infinity : 0);
    const batches: number[] = [];
    for await (const { batch } of feed.run({ order, first: 0, end: 20, most })) {
      seen++;
      batches.push(batch);
    }
    expect(batches).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(feed.pending).toHaveLength(0);
  });

  test('may be followed by another', async () => {
    const feed = await Feed.holding(deviceExecutable(await compile()), split);
    const metrics = [];
    for (const [first, end] of [
      [0, 7],
      [7, 20],
    ] as const) {
      for await (const done of feed.run({ order, first, end })) metrics.push(done.metrics);
    }
    const whole = [];
    const plain = new Feed(await compile(), split);
    for await (const done of plain.run({ order, first: 0, end: 20 })) whole.push(done.metrics);
    expect(metrics).toEqual(whole);
  });
});

test('whoever reads logits between batches gets those of the batch', async () => {
  const expected = await evaluateSplit(await compile(), split);
  const report = await evaluateSplit(deviceExecutable(await compile()), split);
  expect({ ...report, seconds: 0 }).toEqual({ ...expected, seconds: 0 });
});
