// The sentences of chapter 4 that have numbers in them.

import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../../src/experiment/recipes.ts';
import {
  aboutTime,
  epochsInTwoMinutes,
  estimateSentence,
  longerRun,
  runLine,
  tabSentence,
} from '../../../../src/web/chapters/train/words.ts';

const ESTIMATE = {
  device: { kind: 'wasm', description: 'wasm, 2 threads', threads: 2 },
  imagesPerSecond: 812,
  seconds: 151,
  iterations: 630,
  memoryBytes: 27 * 2 ** 20,
  diskBytes: 900 * 2 ** 10,
} as const;

describe('sentences', () => {
  it.each([
    [0.2, '1 second'],
    [45, '45 seconds'],
    [100, '1½ minutes'],
    [150, '2½ minutes'],
    [3000, '50 minutes'],
    [5400, '1½ hours'],
    [7200, '2 hours'],
    [400_000, '5 days'],
  ])('%d seconds are about %s', (seconds, words) => {
    expect(aboutTime(seconds)).toBe(words);
  });

  it('an estimate names device, speed, steps, time, memory and storage', () => {
    expect(estimateSentence({ ...ESTIMATE, freeBytes: 2 ** 30 })).toBe(
      "On 2 threads of your CPU this network learns from about 812 images a second. The run has 630 steps and takes about 2½ minutes, evaluations included, 27.0 MiB of memory and 900.0 KiB of the 1.0 GiB that are free in the browser's storage.",
    );
    expect(estimateSentence(ESTIMATE)).toContain("900.0 KiB in the browser's storage");
  });

  it('a run is shortened to two minutes, and never to nothing', () => {
    expect(epochsInTwoMinutes({ ...ESTIMATE, seconds: 1200 }, 20)).toBe(2);
    expect(epochsInTwoMinutes({ ...ESTIMATE, seconds: 86_400 }, 20)).toBe(1);
  });

  it.each([
    [8, { batchSize: 4, epochs: 100 }],
    [48, { batchSize: 16, epochs: 67 }],
    [400, { batchSize: 32, epochs: 16 }],
    [1, { batchSize: 4, epochs: 200 }],
  ])('%d images get smaller batches and more epochs: at least 200 steps', (images, settings) => {
    expect(longerRun({ iterations: 10 }, images)).toEqual(settings);
    expect(Math.ceil(images / settings.batchSize) * settings.epochs).toBeGreaterThanOrEqual(200);
  });

  it('a run of enough steps, or of no images yet, is left as it is', () => {
    expect(longerRun({ iterations: 630 }, 2000)).toBeUndefined();
    expect(longerRun({ iterations: 10 }, 0)).toBeUndefined();
  });

  it('a run is told apart by its images, too', () => {
    const config = { ...resolveConfig({ arch: 'resnet8', recipe: 'fast' }), seed: 3 };
    expect(runLine({ ...config, data: 'my pictures' })).toBe(
      'resnet8 on my pictures, recipe fast, 20 epochs, seed 3',
    );
    expect(runLine({ ...config, data: 'synthetic:train=2000,test=500' })).toContain(
      'resnet8 on synthetic images,',
    );
  });

  it('a tab says what it lacks', () => {
    const storage = { kind: 'opfs' } as const;
    expect(tabSentence({ cores: 8, isolated: true, gpu: 'real', storage })).toContain('8 cores');
    const poor = tabSentence({ cores: 8, isolated: false, gpu: 'software', storage });
    expect(poor).toContain('one core of your CPU only');
    expect(poor).toContain('drawn by software');
  });
});
