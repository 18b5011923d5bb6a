// Runs from three places become the lines of chapter 7's tables.

import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../../../../src/experiment/recipes.ts';
import type { RunSummary } from '../../../../src/runs/summary.ts';
import type { ServedRun } from '../../../../src/server/protocol.ts';
import {
  automatic,
  type Entry,
  projectEntry,
  servedEntry,
  shownField,
  tabEntry,
  tablesOf,
} from '../../../../src/web/chapters/table/entries.ts';
import { lineText, runText, stateText } from '../../../../src/web/chapters/table/words.ts';
import { run } from '../../../experiment/report/support/runs.ts';

const config = (arch: string, seed: number) =>
  resolveConfig({ arch, recipe: 'notebook', overrides: { seed } });

function summary(changes: Partial<RunSummary> = {}): RunSummary {
  return {
    arch: 'resnet20',
    shortcut: 'A',
    recipe: 'notebook',
    seed: 1,
    parameters: 269_722,
    dataTitle: 'CIFAR-10',
    isOriginalCifar10: true,
    trainImages: 50_000,
    validationImages: 0,
    testImages: 10_000,
    outcome: 'complete',
    epochsDone: 200,
    epochs: 200,
    iteration: 78_200,
    result: { final: { epoch: 199, error: 0.0845 }, bestOnTest: { epoch: 180, error: 0.0831 } },
    seconds: 3600,
    ...changes,
  };
}

function served(id: string, seed: number, changes: Partial<ServedRun> = {}): Entry {
  return servedEntry({
    id,
    state: 'finished',
    config: config('resnet20', seed),
    summary: summary({ seed }),
    checkpoints: [],
    metrics: '0',
    ...changes,
  })!;
}

describe('an entry', () => {
  test('of the server has errors in per cent, and epochs that count from 1', () => {
    expect(served('a/resnet20-seed1', 1)).toMatchObject({
      key: 'server:a/resnet20-seed1',
      run: { folder: 'resnet20-seed1', final: 8.45, bestOnTest: { error: 8.31, epoch: 181 } },
    });
  });

  test('of an unfinished run has no final error', () => {
    const { run } = served('a', 1, { state: 'running', summary: summary({ epochsDone: 12 }) });
    expect(run.final).toBeUndefined();
    expect(stateText(run)).toBe('running, 12 of 200 epochs');
  });

  test('is missing where the configuration is damaged', () => {
    const damaged = { id: 'a', state: 'failed', checkpoints: [], metrics: '0' } as const;
    expect(servedEntry(damaged)).toBeUndefined();
  });

  test('of this tab runs, rests or has ended as its run does, and knows epochs that are not saved yet', () => {
    const facts = { run: 'runs/resnet20-seed1', config: config('resnet20', 1), checkpoints: [] };
    const entry = (changes: object) =>
      tabEntry({ ...facts, state: 'stopped', canGoOn: true, ...changes }, 3).run;
    expect(entry({ state: 'paused' })).toMatchObject({ state: 'running', epochsDone: 3 });
    expect(entry({})).toMatchObject({ state: 'interrupted' });
    expect(entry({ summary: summary() })).toMatchObject({ state: 'finished', final: 8.45 });
    const diverged = entry({ summary: summary({ outcome: 'nan', message: 'No number.' }) });
    expect(diverged).toMatchObject({ state: 'failed', message: 'No number.' });
  });

  test('has a key without commas, which the address puts between keys', () => {
    expect(served('a,b', 1).key).toBe('server:a%2Cb');
  });
});

describe('the tables', () => {
  test('without runs are the six networks of the paper, none of them trained', () => {
    const { paper, others } = tablesOf([]);
    expect(paper.map(({ arch }) => arch)).toEqual(
      [20, 32, 44, 56, 110, 1202].map((depth) => `resnet${depth}`),
    );
    expect(paper.every(({ planned }) => planned === 0)).toBe(true);
    expect(others).toEqual([]);
  });

  test('make one line of runs that differ in their seed, wherever they are', () => {
    const { paper } = tablesOf([
      projectEntry(run('resnet20', 1, 8.4)),
      projectEntry(run('resnet20', 2, 8.6)),
      served('c', 3, { summary: summary({ seed: 3 }) }),
    ]);
    const [line] = paper;
    expect(line!.final).toMatchObject({ n: 3, mean: expect.closeTo((8.4 + 8.6 + 8.45) / 3, 6) });
    expect(line!.final!.deviation).toBeGreaterThan(0);
    expect(line!.entries.map(({ key }) => key)).toEqual([
      'project:resnet20-notebook-seed1',
      'project:resnet20-notebook-seed2',
      'server:c',
    ]);
    expect(lineText(line!)).toBe('notebook, 200 epochs');
    expect(runText(line!.entries[2]!)).toBe('ResNet-20, notebook, seed 3 (the server)');
  });

  test('keep recipes apart', () => {
    const { paper } = tablesOf([
      projectEntry(run('resnet20', 1, 8.4)),
      projectEntry(run('resnet20', 1, 10.2, { recipe: 'fast', folder: 'fast' })),
    ]);
    expect(paper.filter(({ planned }) => planned > 0).map(lineText)).toEqual([
      'fast, 20 epochs',
      'notebook, 200 epochs',
    ]);
  });

  test('have plain networks below the residual ones', () => {
    const { paper } = tablesOf([projectEntry(run('plain20', 1, 9.5))]);
    expect(paper.at(-1)).toMatchObject({ arch: 'plain20', final: { mean: 9.5, n: 1 } });
    expect(paper.at(-1)!.reference).toBeUndefined();
  });

  test.each([
    ['other data', { comparable: false, isOriginalCifar10: false, dataTitle: 'CIFAR-10, JPEG' }],
    ['a trial of a few batches', { comparable: false }],
    ['data that are not known yet', { comparable: false, dataTitle: undefined }],
  ])('do not set %s beside the paper', (_, changes) => {
    const { paper, others } = tablesOf([projectEntry(run('resnet20', 1, 3, changes))]);
    expect(paper.every(({ planned }) => planned === 0)).toBe(true);
    expect(others).toHaveLength(1);
    expect(others[0]!.paperDifference).toBeUndefined();
  });

  test('count what is not finished, and leave it out of the mean', () => {
    const { paper } = tablesOf([
      projectEntry(run('resnet20', 1, 8.4)),
      served('b', 2, { state: 'running', summary: summary({ seed: 2, epochsDone: 12 }) }),
    ]);
    expect(paper[0]).toMatchObject({ final: { n: 1, mean: 8.4 }, states: { running: 1 } });
  });
});

describe('the curves that are drawn', () => {
  const many = Array.from({ length: 50 }, (_, seed) =>
    projectEntry(run(seed < 25 ? 'resnet20' : 'resnet32', seed, 8, { folder: `run${seed}` })),
  );

  test('are all of a few runs, and one of each line of many', () => {
    expect(automatic(tablesOf(many.slice(0, 3)))).toHaveLength(3);
    expect(automatic(tablesOf(many))).toEqual(['project:run0', 'project:run25']);
  });

  test('stand in the address as they were chosen', () => {
    for (const keys of ['auto', [], ['tab:runs/a', 'project:b']] as const) {
      expect(shownField.read(shownField.write(keys))).toEqual(keys);
    }
  });
});
