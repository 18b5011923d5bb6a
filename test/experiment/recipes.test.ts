import { describe, expect, test } from 'vitest';
import {
  parseRecipeName,
  parseWarmup,
  RECIPES,
  resolveConfig,
} from '../../src/experiment/recipes.ts';
import { trainConfigSchema } from '../../src/train/config.ts';

describe('resolving a configuration', () => {
  test("gives the notebook's arguments and defaults", () => {
    expect(resolveConfig({ arch: 'resnet20' })).toEqual({
      arch: 'resnet20',
      shortcut: 'A',
      classes: 10,
      data: 'cifar10',
      recipe: 'notebook',
      startEpoch: 0,
      batchSize: 128,
      learningRate: 0.1,
      momentum: 0.9,
      weightDecay: 1e-4,
      schedule: {
        kind: 'steps',
        unit: 'epochs',
        length: 200,
        milestones: [100, 150],
        gamma: 0.1,
        warmup: { kind: 'none' },
      },
      labelSmoothing: 0,
      seed: 1,
      validation: 0,
      normalization: 'imagenet',
      initial: null,
      freeze: 'none',
      augment: true,
      device: 'auto',
      threads: 1,
      convolution: 'auto',
      memory: 'auto',
      half: false,
      printFreq: 55,
      metricsEvery: 10,
      saveEvery: 10,
      checkpointSeconds: 60,
      checkpointSteps: 0,
      limitBatches: 0,
    });
  });

  test.each(Object.values(RECIPES))(
    'of $name is complete for every depth and survives JSON',
    (recipe) => {
      for (const arch of ['resnet20', 'resnet38', 'resnet110', 'plain56', 'resnet1202']) {
        const config = resolveConfig({ arch, recipe: recipe.name });
        expect(config.recipe).toBe(recipe.name);
        expect(trainConfigSchema.parse(JSON.parse(JSON.stringify(config)))).toEqual(config);
      }
    },
  );

  test('the paper subtracts the mean of each pixel; the notebook uses ImageNet numbers', () => {
    expect(resolveConfig({ arch: 'resnet20', recipe: 'paper' }).normalization).toBe(
      'per-pixel-mean',
    );
    expect(resolveConfig({ arch: 'resnet20' }).normalization).toBe('imagenet');
  });

  test('what the user sets replaces the recipe; what is undefined does not', () => {
    const config = resolveConfig({
      arch: 'resnet32',
      recipe: 'paper',
      overrides: { shortcut: 'B', normalization: 'dataset', learningRate: undefined, seed: 9 },
    });
    expect(config).toMatchObject({
      shortcut: 'B',
      normalization: 'dataset',
      learningRate: 0.1,
      seed: 9,
    });
  });

  test("with a number of epochs, quick and paper move their drops; the notebook's stay", () => {
    const milestones = (recipe: 'notebook' | 'paper' | 'quick') =>
      resolveConfig({ arch: 'resnet20', recipe, overrides: { epochs: 20 } }).schedule;
    expect(milestones('quick')).toMatchObject({ unit: 'epochs', length: 20, milestones: [10, 15] });
    expect(milestones('paper')).toMatchObject({ unit: 'epochs', length: 20, milestones: [10, 15] });
    expect(milestones('notebook')).toMatchObject({ length: 20, milestones: [100, 150] });
  });

  test('a plain net has no shortcut', () => {
    expect(resolveConfig({ arch: 'plain20' }).shortcut).toBe('none');
  });

  test.each([
    [{ batchSize: 0 }, 'batchSize'],
    [{ learningRate: -1 }, 'learningRate'],
    [{ seed: 1.5 }, 'seed'],
    [{ labelSmoothing: 1 }, 'labelSmoothing'],
    [{ epochs: 0 }, 'schedule.length'],
  ])('%o is refused by name', (overrides, name) => {
    expect(() => resolveConfig({ arch: 'resnet20', overrides })).toThrow(
      `What was asked for is not a valid configuration: ${name}:`,
    );
  });

  test('a start beyond the end is refused', () => {
    expect(() =>
      resolveConfig({ arch: 'resnet20', overrides: { epochs: 5, startEpoch: 5 } }),
    ).toThrow('There is nothing to train: the run begins at epoch 5 and has 5');
  });
});

test('an unknown recipe is told which there are', () => {
  expect(parseRecipeName('paper')).toBe('paper');
  expect(() => parseRecipeName('fast')).toThrow(
    'There is no recipe called "fast": use one of notebook, notebook-as-run, paper, quick.',
  );
});

test('warm-ups can be typed', () => {
  expect(parseWarmup('none')).toEqual({ kind: 'none' });
  expect(parseWarmup('2')).toEqual({ kind: 'epochs', epochs: 2, factor: 0.1 });
  expect(parseWarmup('80%')).toEqual({ kind: 'until-error', trainError: 0.8, factor: 0.1 });
  expect(parseWarmup('whole-run')).toEqual({ kind: 'whole-run', factor: 0.1 });
  expect(() => parseWarmup('soon')).toThrow('"soon" is no warm-up');
});
