import { expect, test } from 'vitest';
import {
  addToMeter,
  averages,
  EMPTY_METER,
  splitErrors,
  stepAverages,
} from '../../src/train/meters.ts';

const full = { count: 128, lossSum: 128, correctTop1: 64, correctTop5: 128 };
const last = { count: 80, lossSum: 240, correctTop1: 0, correctTop5: 40 };

test('the smaller last batch counts with its weight', () => {
  const meter = addToMeter(addToMeter(EMPTY_METER, full), last);
  expect(averages(meter)).toEqual({ loss: 368 / 208, top1: 64 / 208, top5: 168 / 208 });
  expect(splitErrors(meter, { count: 300 })).toEqual({
    images: 208,
    partial: true,
    wrong: 144,
    loss: 368 / 208,
    top1Error: 144 / 208,
    top5Error: 40 / 208,
  });
});

test('a step shows its own numbers beside the averages', () => {
  const meter = addToMeter(addToMeter(EMPTY_METER, full), last);
  expect(stepAverages(last, meter)).toMatchObject({
    loss: 3,
    lossAverage: 368 / 208,
    top1: 0,
    top5: 0.5,
  });
});
