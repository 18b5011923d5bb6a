// The notebook's console, character for character: `notebook-log.txt` was written by hand from its cells.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { resolveConfig } from '../../src/experiment/recipes.ts';
import { notebookEvaluation, notebookLines } from '../../src/runs/notebook-lines.ts';
import type { EvaluationEvent, StartEvent, StepEvent, TrainEvent } from '../../src/train/events.ts';

const golden = readFileSync(path.join(import.meta.dirname, 'notebook-log.txt'), 'utf8');

const config = resolveConfig({ arch: 'resnet20', overrides: { half: true } });
const start = { kind: 'start', config, epochs: 200, testImages: 10_000 } as StartEvent;

function step(
  [epoch, batch]: readonly [number, number],
  learningRate: number,
  [loss, lossAverage]: readonly [number, number],
  [top1, top1Average]: readonly [number, number],
): StepEvent {
  const numbers = { loss, lossAverage, top1, top1Average, learningRate };
  return { kind: 'step', epoch, batch, batches: 391, ...numbers } as StepEvent;
}

function evaluation(split: EvaluationEvent['split'], wrong: number): EvaluationEvent {
  return { kind: 'evaluation', split, images: 10_000, wrong } as EvaluationEvent;
}

const EVENTS: readonly TrainEvent[] = [
  start,
  step([0, 0], 0.1, [2.719, 2.719], [12 / 128, 12 / 128]),
  step([0, 1], 0.1, [2.5, 2.6], [0.1, 0.1]),
  step([0, 55], 0.1, [1.8035, 2.0466], [39 / 128, 0.24051]),
  { kind: 'evaluation-progress', batch: 0 } as TrainEvent,
  evaluation('validation', 1),
  evaluation('test', 5488),
  { kind: 'checkpoint' } as TrainEvent,
  // 2 of 128 are 1.5625 %, which Python rounds to the even digit.
  step([199, 0], 0.001, [0.01, 0.01], [2 / 128, 2 / 128]),
  evaluation('test', 848),
  {
    kind: 'end',
    outcome: 'complete',
    position: { epoch: 200, batch: 0, iteration: 78_200 },
    result: { final: { error: 0.0848, epoch: 199 }, bestOnTest: { error: 0.0848, epoch: 199 } },
    seconds: 1,
  },
];

test('a run is that of the golden file', () => {
  const linesOf = notebookLines(55);
  const lines = [
    ...EVENTS.flatMap((event) => linesOf(event)),
    ...notebookEvaluation({ images: 10_000, wrong: 792 }),
  ];
  expect(`${lines.join('\n')}\n`).toBe(golden);
});

test('a run that goes on in the middle of an epoch says where it is', () => {
  const linesOf = notebookLines(55);
  const events = [start, step([3, 56], 0.1, [1, 1], [0.5, 0.5])];
  expect(events.flatMap((event) => linesOf(event))).toEqual([
    'half persicion is used.',
    'Training resnet20 model',
    'current lr 1.00000e-01',
  ]);
});
