import { describe, expect, test } from 'vitest';
import { Stopwatch } from '../../src/train/stopwatch.ts';

/** A stopwatch whose clock stands still until it is told to go on. */
function stopwatch() {
  let time = 5000;
  const watch = new Stopwatch(() => time);
  return { watch, pass: (seconds: number) => (time += 1000 * seconds) };
}

describe('the times of steps', () => {
  test('are those between their ends, without the pauses of readers', () => {
    const { watch, pass } = stopwatch();
    pass(2);
    expect(watch.step(100, 0.5)).toEqual({
      dataTime: 0.5,
      dataTimeAverage: 0.5,
      batchTime: 2,
      batchTimeAverage: 2,
      imagesPerSecond: 50,
    });
    pass(7);
    watch.skipPause();
    pass(1);
    expect(watch.step(100, 0.1)).toMatchObject({
      dataTime: 0.1,
      dataTimeAverage: 0.3,
      batchTime: 1,
      batchTimeAverage: 1.5,
    });
    expect(watch.total()).toEqual({ seconds: 3, imagesPerSecond: 200 / 3 });
  });

  test('follow a speed that changes', () => {
    const { watch, pass } = stopwatch();
    let last = 0;
    for (let step = 0; step < 100; step++) {
      pass(step < 50 ? 2 : 1);
      last = watch.step(100, 0).imagesPerSecond;
      if (step === 49) expect(last).toBeCloseTo(50, 6);
    }
    expect(last).toBeGreaterThan(99);
    expect(last).toBeLessThanOrEqual(100);
  });

  test('make a sensible speed of steps that end in bursts', () => {
    const { watch, pass } = stopwatch();
    const speeds: number[] = [];
    for (let step = 0; step < 100; step++) {
      if (step % 4 === 0) pass(4);
      speeds.push(watch.step(100, 0).imagesPerSecond);
    }
    for (const speed of speeds.slice(50)) {
      expect(speed).toBeGreaterThan(75);
      expect(speed).toBeLessThan(135);
    }
  });
});
