import { describe, expect, test } from 'vitest';
import {
  type Cell,
  cellConfig,
  cellFolder,
  makePlan,
  parsePlan,
} from '../../src/experiment/plan.ts';
import { changeConfig, parseWarmup } from '../../src/experiment/recipes.ts';
import { parseTrainConfig } from '../../src/train/config.ts';

const names = (cells: readonly Cell[]) => cells.map(cellFolder);

describe('a new plan', () => {
  test('has by default the four shallower networks, five seeds, and the notebook', () => {
    const plan = makePlan({ settings: {} });
    expect(plan.settings).toEqual({ data: 'cifar10' });
    expect(plan.cells).toHaveLength(20);
    expect(new Set(plan.cells.map(({ recipe }) => recipe))).toEqual(new Set(['notebook']));
  });

  test('trains every network once before any is trained twice', () => {
    const { cells } = makePlan({ archs: ['resnet20', 'resnet32'], seeds: [1, 2], settings: {} });
    expect(names(cells)).toEqual([
      'resnet20-notebook-seed1',
      'resnet32-notebook-seed1',
      'resnet20-notebook-seed2',
      'resnet32-notebook-seed2',
    ]);
  });

  test('takes names in their other spellings, once', () => {
    const { cells } = makePlan({
      archs: ['ResNet-20', 'resnet20'],
      seeds: [1],
      settings: {},
    });
    expect(names(cells)).toEqual(['resnet20-notebook-seed1']);
  });

  test('refuses networks and settings that do not exist', () => {
    expect(() => makePlan({ archs: ['resnet21'], settings: {} })).toThrow(/resnet20 and resnet26/);
    expect(() => makePlan({ settings: { batchSize: 100_000 } })).toThrow(/batchSize/);
  });

  test('refuses a setting that one of its recipes has no meaning for', () => {
    const settings = { milestones: [10, 15] };
    expect(() => makePlan({ recipes: ['quick', 'fast'], settings })).toThrow(
      'milestones cannot be given with the recipe fast',
    );
  });
});

describe('a plan that is there', () => {
  const plan = makePlan({
    archs: ['resnet20', 'resnet32'],
    seeds: [1, 2],
    recipes: ['quick'],
    settings: { data: 'synthetic', epochs: 4 },
  });

  test('stays as it is when nothing is asked for', () => {
    expect(makePlan({ settings: {} }, plan)).toEqual(plan);
    expect(makePlan({ settings: { epochs: 4 } }, plan)).toEqual(plan);
  });

  test('grows by seeds', () => {
    const grown = makePlan({ seeds: [1, 2, 3], settings: {} }, plan);
    expect(grown.created).toBe(plan.created);
    expect(names(grown.cells).slice(0, 4)).toEqual(names(plan.cells));
    expect(names(grown.cells).slice(4)).toEqual(['resnet20-quick-seed3', 'resnet32-quick-seed3']);
  });

  test('grows by networks, for the seeds that are asked for alone', () => {
    const grown = makePlan({ archs: ['plain20'], seeds: [1], settings: {} }, plan);
    expect(names(grown.cells)).toContain('plain20-quick-seed1');
    expect(grown.cells).toHaveLength(5);
  });

  test('never loses a cell', () => {
    expect(makePlan({ archs: ['resnet20'], seeds: [1], settings: {} }, plan)).toEqual(plan);
  });

  test.each([
    [{ epochs: 5 }, /epochs 4, not 5.*another folder/],
    [{ data: 'cifar10' }, /data "synthetic", not "cifar10"/],
    [{ batchSize: 64 }, /batchSize the recipe's own, not 64/],
  ])('is frozen: %j is refused', (settings, message) => {
    expect(() => makePlan({ settings }, plan)).toThrow(message);
  });

  test('survives its file, and a damaged file is named', () => {
    expect(parsePlan(JSON.parse(JSON.stringify(plan)), 'p')).toEqual(plan);
    expect(() => parsePlan({ ...plan, version: 2 }, '"runs/plan.json"')).toThrow(/runs\/plan.json/);
    expect(() => parsePlan({ ...plan, cells: [] }, 'p')).toThrow(/cells/);
  });
});

describe('a cell', () => {
  const { settings, ...rest } = makePlan({
    archs: ['resnet110', 'plain20'],
    seeds: [7],
    recipes: ['paper'],
    settings: {
      data: 'synthetic',
      epochs: 8,
      batchSize: 64,
      learningRate: 0.05,
      limitBatches: 3,
      shortcut: 'B',
      validation: 0.1,
      milestones: [3, 5],
    },
  });
  const plan = { settings, ...rest };

  test('has a configuration with everything that the plan fixes', () => {
    for (const cell of plan.cells) {
      const config = cellConfig(plan, cell, { classes: 10, validation: 20 });
      expect(config).toMatchObject({
        arch: cell.arch,
        recipe: 'paper',
        seed: 7,
        data: 'synthetic',
        batchSize: 64,
        learningRate: 0.05,
        limitBatches: 3,
        saveEvery: 0,
        validation: 20,
        shortcut: cell.arch === 'plain20' ? 'none' : 'B',
      });
      expect(config.schedule).toMatchObject({ unit: 'epochs', length: 8, milestones: [3, 5] });
    }
  });

  test('is trained from a file with its configuration, which reads back as the same', () => {
    for (const cell of plan.cells) {
      const config = cellConfig(plan, cell, { classes: 10, validation: 20 });
      const file = parseTrainConfig(JSON.parse(JSON.stringify(config)));
      expect(file).toEqual(config);
      expect(changeConfig(file, {})).toEqual(config);
    }
  });

  test('keeps the recipe where nothing is set', () => {
    const bare = makePlan({ archs: ['resnet110'], seeds: [1], settings: {} });
    expect(cellConfig(bare, bare.cells[0]!).schedule).toMatchObject({
      length: 200,
      milestones: [100, 150],
      warmup: { kind: 'epochs', epochs: 1 },
    });
  });
});

describe('a plan that varies settings', () => {
  const vary = { learningRate: [0.05, 0.1], weightDecay: [1e-4, 5e-4] };
  const plan = makePlan({ archs: ['resnet20'], seeds: [1, 2], vary, settings: {} });

  test('has every combination, with its settings in the folder and the configuration', () => {
    expect(names(plan.cells)).toEqual(
      [1, 2].flatMap((seed) => [
        `resnet20-notebook-lr0.05-weight-decay0.0001-seed${seed}`,
        `resnet20-notebook-lr0.05-weight-decay0.0005-seed${seed}`,
        `resnet20-notebook-lr0.1-weight-decay0.0001-seed${seed}`,
        `resnet20-notebook-lr0.1-weight-decay0.0005-seed${seed}`,
      ]),
    );
    const { learningRate, weightDecay, seed } = cellConfig(plan, plan.cells[1]!);
    expect({ learningRate, weightDecay, seed }).toEqual({
      ...{ learningRate: 0.05, weightDecay: 5e-4, seed: 1 },
    });
    expect(parsePlan(JSON.parse(JSON.stringify(plan)), 'it')).toEqual(plan);
  });

  test('keeps them when it grows by seeds, and grows by values', () => {
    const more = makePlan({ seeds: [3], settings: {} }, plan);
    expect(more.cells).toHaveLength(12);
    const wider = makePlan({ seeds: [1], vary: { learningRate: [0.1, 0.2] }, settings: {} }, plan);
    expect(names(wider.cells)).toContain('resnet20-notebook-lr0.2-seed1');
  });

  test('refuses to vary what all runs have in common, and values that no run can have', () => {
    const request = { vary: { learningRate: [0.1] }, settings: { learningRate: 0.2 } };
    expect(() => makePlan(request)).toThrow(/learningRate cannot vary.*0\.2 for all its runs/);
    expect(() => makePlan({ vary: { gamma: [0] }, settings: {} })).toThrow(/gamma/);
  });

  test('calls settings of every kind by names that a folder may have', () => {
    const kinds = {
      milestones: [[100, 150], []],
      warmup: [parseWarmup('80%'), parseWarmup('none')],
      augment: [false],
      nesterov: [true],
    };
    const { cells } = makePlan({ archs: ['resnet20'], seeds: [1], vary: kinds, settings: {} });
    expect(names(cells)).toEqual(
      ['100+150', 'none'].flatMap((places) =>
        ['until-error-0.8', 'none'].map(
          (warmup) =>
            `resnet20-notebook-milestones${places}-warm-up${warmup}-nesterovon-augmentoff-seed1`,
        ),
      ),
    );
  });
});
