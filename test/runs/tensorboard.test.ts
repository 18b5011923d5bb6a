import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openTensorBoard } from '../../src/cli/session/tensorboard.ts';
import { createRun, type Run, resumeRun } from '../../src/runs/run.ts';
import { openRun } from '../../src/runs/runs.node.ts';
import { runTraining, type TrainerView } from '../../src/runs/session.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { readEventFile } from '../interop/tensorboard/event-reader.ts';
import { arithmeticBackend } from '../train/support/backends.ts';
import { tinyConfig, tinyDataset } from '../train/support/tiny.ts';
import { temporaryFolder, testHost } from './support/hosts.ts';

/** Three steps an epoch; a checkpoint after every second step. */
const config = tinyConfig({ epochs: 3, checkpointSteps: 2 });

async function train(run: Run, until: (event: TrainEvent) => boolean = () => false) {
  await using tensorboard = (await openTensorBoard(run, true))!;
  const dataset = tinyDataset({ validation: 5 });
  const { observe } = tensorboard;
  const backend = arithmeticBackend();
  for await (const event of runTraining({ run, dataset, backend, host: {}, observe })) {
    if (until(event)) break;
  }
}

/** The points of a curve as TensorBoard shows them: a resumed file hides later steps of earlier ones. */
function curve(dir: string, tag: string): [step: number, value: number][] {
  const folder = join(dir, 'tensorboard');
  let points: [number, number][] = [];
  for (const name of readdirSync(folder).sort()) {
    for (const { step, resumed, scalars } of readEventFile(readFileSync(join(folder, name)))) {
      if (resumed) points = points.filter(([earlier]) => earlier < step);
      if (tag in scalars) points.push([step, scalars[tag]!]);
    }
  }
  return points;
}

describe('a run watched with TensorBoard', () => {
  test('has the curves of metrics.jsonl', async () => {
    const dir = `${await temporaryFolder()}/run`;
    await train(await createRun(testHost(), { dir, config }));
    const records = await (await openRun(dir)).metrics();
    const steps = records.filter((record) => record.kind === 'step');
    expect(steps).toHaveLength(9);
    expect(curve(dir, 'batch/loss')).toEqual(
      steps.map((record) => [record.iteration, Math.fround(record.loss)]),
    );
    expect(curve(dir, 'training/learning rate').map(([, rate]) => rate)).toEqual(
      steps.map((record) => Math.fround(record.learningRate)),
    );
    for (const tag of ['loss/train', 'error/train', 'loss/validation', 'error/test']) {
      expect(
        curve(dir, tag).map(([step]) => step),
        tag,
      ).toEqual([3, 6, 9]);
    }
    const evaluations = records.filter((r) => r.kind === 'evaluation' && r.split === 'test');
    expect(curve(dir, 'error/test').map(([, error]) => error)).toEqual(
      evaluations.map((record) => Math.fround((record as { top1Error: number }).top1Error)),
    );
  });

  test('has the distribution of every weight and gradient after each epoch', async () => {
    const dir = `${await temporaryFolder()}/run`;
    await train(await createRun(testHost(), { dir, config: { ...config, freeze: 'layer1' } }));
    const [name] = readdirSync(join(dir, 'tensorboard'));
    const events = readEventFile(readFileSync(join(dir, 'tensorboard', name!)));
    const shown = events.filter(({ histograms }) => Object.keys(histograms).length > 0);
    expect(shown.map(({ step }) => step)).toEqual([3, 6, 9]);
    const tags = Object.keys(shown[0]!.histograms);
    expect(tags).toContain('weights/conv1.weight');
    expect(tags).toContain('gradients/layer2.0.conv1.weight');
    expect(tags).not.toContain('gradients/layer1.0.conv1.weight');
    expect(tags.some((tag) => tag.includes('running'))).toBe(false);
    expect(shown[0]!.histograms['weights/linear.weight']!.count).toBe(3 * 64);
  });

  test('killed and resumed, shows each step once, as the run that was never stopped', async () => {
    const folder = await temporaryFolder();
    const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
    await train(await createRun(testHost(), { dir: whole, config }));
    const first = await createRun(testHost(), { dir: killed, config });
    // Steps 5 and 6 are done and shown, and lost: the last checkpoint is after step 4.
    await train(first, (event) => event.kind === 'step' && event.iteration === 6);
    const again = await resumeRun(testHost(), killed);
    expect(again.state!.progress.iteration).toBeLessThan(6);
    await train(again);
    expect(readdirSync(join(killed, 'tensorboard'))).toHaveLength(2);
    for (const tag of ['batch/loss', 'batch/error', 'loss/train', 'error/test']) {
      expect(curve(killed, tag), tag).toEqual(curve(whole, tag));
    }
  });

  test('that can no longer be written costs its curves, and not the run', async () => {
    const dir = await temporaryFolder();
    const run = { dir, config, state: undefined, refuseLink: async () => {} } as unknown as Run;
    const lines: string[] = [];
    await using tensorboard = await openTensorBoard(run, true, (line) => lines.push(line));
    const event = { kind: 'evaluation', split: 'test', loss: 1, top1Error: 0.5 } as TrainEvent;
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC', syscall: 'write' });
    await using handle = await open('/dev/null', 'r');
    vi.spyOn(Object.getPrototypeOf(handle), 'appendFile').mockRejectedValue(full);
    onTestFinished(() => void vi.restoreAllMocks());
    await tensorboard!.observe(event, {} as TrainerView);
    await tensorboard!.observe(event, {} as TrainerView);
    expect(lines).toEqual([expect.stringMatching(/^The disk is full: .* sees no more/)]);
  });

  test('goes on being watched without being asked again; others are not', async () => {
    const dir = await temporaryFolder();
    const run = { dir, config, state: undefined, refuseLink: async () => {} } as unknown as Run;
    expect(await openTensorBoard(run, false)).toBeUndefined();
    mkdirSync(join(dir, 'tensorboard'));
    await using tensorboard = await openTensorBoard(run, false);
    expect(tensorboard?.folder).toBe(join(dir, 'tensorboard'));
  });
});
