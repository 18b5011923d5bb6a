import { describe, expect, test } from 'vitest';
import {
  changeConfig,
  parseRecipeName,
  parseWarmup,
  RECIPES,
  resolveConfig,
} from '../../src/experiment/recipes.ts';
import { trainConfigSchema } from '../../src/train/config.ts';
import { UserError } from '../../src/util/errors.ts';

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
      optimizer: 'sgd',
      muonRatio: 0.25,
      muonWeightDecay: 0.03,
      momentum: 0.9,
      nesterov: false,
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
      rateChanges: [],
      initial: null,
      freeze: 'none',
      augment: true,
      cropPadding: 4,
      device: 'auto',
      threads: 1,
      tune: 'auto',
      tensorCores: 'auto',
      convolution: 'auto',
      memory: 'auto',
      half: false,
      printFreq: 55,
      name: '',
      note: '',
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

  test('of a run that is older than some settings still parses', () => {
    const config = resolveConfig({ arch: 'resnet110' });
    const { initial, freeze, memory, nesterov, name, note, cropPadding, ...later } = config;
    const { optimizer, muonRatio, muonWeightDecay, ...old } = later;
    expect(old.schedule.kind).toBe('steps');
    expect(trainConfigSchema.parse(old)).toEqual({
      ...old,
      initial,
      freeze,
      memory,
      nesterov,
      name,
      note,
      cropPadding,
      optimizer,
      muonRatio,
      muonWeightDecay,
    });
    expect(optimizer).toBe('sgd');
  });

  test('the numbers of Muon have no meaning with SGD', () => {
    const overrides = { muonRatio: 0.1 };
    expect(() => resolveConfig({ arch: 'resnet20', overrides })).toThrow(
      'muonRatio cannot be given with the optimizer sgd',
    );
    const fast = { arch: 'resnet20', recipe: 'fast' } as const;
    expect(() => resolveConfig({ ...fast, overrides: { ...overrides, optimizer: 'sgd' } })).toThrow(
      'choose the optimizer muon as well',
    );
    expect(resolveConfig({ ...fast, overrides })).toMatchObject(overrides);
  });

  test('the padding of a crop has no meaning without crops', () => {
    const overrides = { augment: false, cropPadding: 2 };
    expect(() => resolveConfig({ arch: 'resnet20', overrides })).toThrow(
      'Without augmentation there is no random crop',
    );
  });

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

  test('fast is the notebook but for Muon, one cycle, its peaks and weight decay', () => {
    const config = resolveConfig({ arch: 'resnet20', recipe: 'fast' });
    const { schedule, learningRate, weightDecay, recipe, ...others } = config;
    const { optimizer, nesterov, ...fast } = others;
    expect({ optimizer, nesterov }).toEqual({ optimizer: 'muon', nesterov: true });
    expect({ schedule, learningRate, weightDecay, recipe }).toEqual({
      schedule: { kind: 'one-cycle', unit: 'epochs', length: 20, rise: 0.2 },
      learningRate: 0.2,
      weightDecay: 5e-4,
      recipe: 'fast',
    });
    expect(resolveConfig({ arch: 'resnet20' })).toMatchObject(fast);
  });

  test("fast takes at most a tenth of the notebook's epochs, and is the same for every depth", () => {
    const { schedule } = resolveConfig({ arch: 'resnet1202', recipe: 'fast' });
    expect(schedule).toEqual(resolveConfig({ arch: 'resnet20', recipe: 'fast' }).schedule);
    expect(schedule.unit).toBe('epochs');
    expect(10 * schedule.length).toBeLessThanOrEqual(
      resolveConfig({ arch: 'resnet1202' }).schedule.length,
    );
  });

  test('with a number of epochs the cycle of fast is stretched; its peak can be set', () => {
    const config = resolveConfig({
      arch: 'resnet20',
      recipe: 'fast',
      overrides: { epochs: 5, learningRate: 0.3, weightDecay: 1e-4 },
    });
    expect(config.schedule).toEqual({ kind: 'one-cycle', unit: 'epochs', length: 5, rise: 0.2 });
    expect(config).toMatchObject({ learningRate: 0.3, weightDecay: 1e-4 });
  });

  test.each([
    [{ milestones: [10] }, 'milestones cannot'],
    [{ milestones: [] }, 'milestones cannot'],
    [{ gamma: 0.5, milestones: [10] }, 'milestones, gamma cannot'],
    [{ warmup: { kind: 'none' } }, 'warmup cannot'],
  ] as const)('fast has no drops and no other warm-up: %j is refused', (overrides, beginning) => {
    expect(() => resolveConfig({ arch: 'resnet20', recipe: 'fast', overrides })).toThrow(
      `${beginning} be given with the recipe fast`,
    );
  });

  test('a schedule of one kind with the settings of another is refused', () => {
    const { schedule, ...rest } = resolveConfig({ arch: 'resnet20', recipe: 'fast' });
    const parse = (changes: object) =>
      trainConfigSchema.safeParse({ ...rest, schedule: { ...schedule, ...changes } }).success;
    expect(parse({})).toBe(true);
    expect(parse({ milestones: [10] })).toBe(false);
    expect(parse({ rise: 1.5 })).toBe(false);
    expect(parse({ rise: undefined })).toBe(false);
    expect(parse({ kind: 'cosine' })).toBe(false);
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
  expect(() => parseRecipeName('faster')).toThrow(
    'There is no recipe called "faster": use one of notebook, notebook-as-run, paper, quick, fast.',
  );
});

test('what JavaScript passes is checked as what is typed', () => {
  const adam = { arch: 'resnet20', recipe: 'adam' as 'paper' };
  expect(() => resolveConfig(adam)).toThrow(UserError);
  expect(() => resolveConfig({ recipe: 'adam' } as never)).toThrow('no recipe called "adam"');
  for (const nothing of [undefined, null, {}, { arch: 20 }]) {
    expect(() => resolveConfig(nothing as never)).toThrow(UserError);
  }
  expect(() => resolveConfig({} as never)).toThrow('There is no network called "undefined"');
  expect(() => parseRecipeName('notebok')).toThrow(/Did you mean notebook\?$/);
});

describe('a configuration that is changed', () => {
  const quick = resolveConfig({ arch: 'resnet20', recipe: 'quick' });

  test('is the same where nothing is asked for', () => {
    expect(changeConfig(quick, {})).toEqual(quick);
    expect(changeConfig(quick, { seed: undefined, epochs: undefined })).toEqual(quick);
  });

  test('is what its recipe would have given', () => {
    const overrides = { epochs: 8, gamma: 0.5, seed: 3, shortcut: 'B', learningRate: 0.2 } as const;
    expect(changeConfig(quick, overrides)).toEqual(
      resolveConfig({ arch: 'resnet20', recipe: 'quick', overrides }),
    );
  });

  test('refuses what has no meaning in it', () => {
    const fast = resolveConfig({ arch: 'resnet20', recipe: 'fast' });
    expect(() => changeConfig(fast, { gamma: 0.5 })).toThrow('gamma cannot be given');
    expect(() => changeConfig(quick, { startEpoch: 20 })).toThrow('There is nothing to train');
  });
});

test('warm-ups can be typed', () => {
  expect(parseWarmup('none')).toEqual({ kind: 'none' });
  expect(parseWarmup('2')).toEqual({ kind: 'epochs', epochs: 2, factor: 0.1 });
  expect(parseWarmup('80%')).toEqual({ kind: 'until-error', trainError: 0.8, factor: 0.1 });
  expect(parseWarmup('whole-run')).toEqual({ kind: 'whole-run', factor: 0.1 });
  expect(() => parseWarmup('soon')).toThrow(
    'must be none, a number of epochs (1), a training error to reach (80%) or whole-run, not "soon"',
  );
});
