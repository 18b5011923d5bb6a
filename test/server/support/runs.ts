// Run folders with made-up numbers, written as training writes them.

import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { resolveConfig } from '../../../src/experiment/recipes.ts';
import type { MetricsRecord } from '../../../src/runs/metrics.ts';
import type { RunSummary } from '../../../src/runs/summary.ts';
import type { RecipeName } from '../../../src/train/config.ts';

export function stepRecord(iteration: number, time = 1_700_000_000_000): MetricsRecord {
  const loss = 2.3 / (1 + iteration / 1000);
  const share = { loss, lossAverage: loss, top1: 0.4123, top1Average: 0.3987 };
  const speed = { imagesPerSecond: 1228.4, batchTime: 0.1042, dataTime: 0.0003 };
  const place = { epoch: Math.floor(iteration / 391), batch: iteration % 391, iteration };
  return {
    kind: 'step',
    ...place,
    ...share,
    learningRate: 0.1,
    ...speed,
    time: time + 104 * iteration,
  };
}

export function epochRecords(epoch: number, time = 1_700_000_000_000): MetricsRecord[] {
  const at = time + 40_000 * epoch;
  const trained = { trainLoss: 1 / (1 + epoch), trainTop1: 0.9, trainTop5: 0.99 };
  const speed = { imagesPerSecond: 1228, seconds: 40 };
  return [
    {
      kind: 'epoch',
      epoch,
      iteration: 391 * (epoch + 1),
      learningRate: 0.1,
      ...trained,
      ...speed,
      time: at,
    },
    {
      ...{ kind: 'evaluation', split: 'test', epoch, images: 10_000, partial: false, wrong: 900 },
      ...{ loss: 0.4, top1Error: 0.09, top5Error: 0.004, isBest: false, bestError: 0.0891 },
      ...{ bestEpoch: 3, seconds: 2, time: at },
    },
  ];
}

export function lines(records: readonly MetricsRecord[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

/** An epoch's records as they stand in a file: forty steps, then its end. */
export function wholeEpoch(epoch: number): MetricsRecord[] {
  const steps = Array.from({ length: 40 }, (_, i) => stepRecord(391 * epoch + 10 * i));
  return [...steps, ...epochRecords(epoch)];
}

export interface MadeRun {
  readonly dir: string;
  append(text: string): Promise<void>;
  /** With this many epochs done. */
  summarize(epochsDone: number, outcome?: RunSummary['outcome']): Promise<void>;
}

export interface MadeOf {
  readonly arch?: string;
  readonly recipe?: RecipeName;
}

/** Makes a run folder below `root`. */
export async function makeRun(
  root: string,
  name: string,
  metrics = '',
  { arch = 'resnet20', recipe = 'notebook' }: MadeOf = {},
): Promise<MadeRun> {
  const dir = path.join(root, name);
  const seed = Number(/seed(\d+)$/.exec(name)?.[1] ?? 1);
  const config = resolveConfig({ arch, recipe, overrides: { seed } });
  await mkdir(path.join(dir, 'checkpoints'), { recursive: true });
  await writeFile(path.join(dir, 'metrics.jsonl'), metrics);
  await writeFile(path.join(dir, 'config.json'), JSON.stringify(config));
  return {
    dir,
    append: (text) => appendFile(path.join(dir, 'metrics.jsonl'), text),
    async summarize(epochsDone, outcome = 'interrupted') {
      const summary: RunSummary = {
        ...{ arch, shortcut: 'A', recipe, seed, parameters: 269_722 },
        ...{ dataTitle: 'CIFAR-10', isOriginalCifar10: true, trainImages: 50_000 },
        ...{
          validationImages: 0,
          testImages: 10_000,
          outcome,
          epochsDone,
          epochs: config.schedule.length,
        },
        ...{ iteration: 391 * epochsDone, result: {}, seconds: 40 * epochsDone },
      };
      await writeFile(path.join(dir, 'summary.json'), JSON.stringify(summary));
    },
  };
}
