// The table of settings, and that everything which lists settings is made from it.

import { describe, expect, test } from 'vitest';
import { reproduceOptions } from '../../src/cli/commands/reproduce-options.ts';
import { trainOptions } from '../../src/cli/commands/train-options.ts';
import { optionHelp } from '../../src/cli/help.ts';
import { flagName, type Option } from '../../src/cli/options.ts';
import { makePlan } from '../../src/experiment/plan.ts';
import { resolveConfig } from '../../src/experiment/recipes.ts';
import {
  DEFAULTS,
  GIVEN_SETTINGS,
  keptDifferences,
  MACHINE_SETTING_NAMES,
  optionName,
  PART_SETTINGS,
  PLAN_SETTINGS,
  parseTrainConfig,
  RESUMABLE_SETTINGS,
  SETTING_NAMES,
  settingOf,
  TRAINING_SETTINGS,
  trainConfigSchema,
} from '../../src/train/config.ts';
import { GROUPS, schemaOf } from '../../src/train/setting.ts';
import { SETTINGS } from '../../src/train/settings.ts';
import { boundsText } from '../../src/util/bounds.ts';

const config = resolveConfig({ arch: 'resnet20' });

describe('the table', () => {
  test('says of every setting what it changes, and describes what users give', () => {
    for (const name of SETTING_NAMES) {
      const { form, schema, option, default: initial, path } = settingOf(name);
      expect(form ?? schema, name).toBeDefined();
      if (option) {
        expect(Object.keys(GROUPS)).toContain(option.group);
        expect(form, name).toBeDefined();
        // A page shows these lines too.
        expect(option.help, name).not.toMatch(/(^|\s)--\w/);
      }
      if (path === undefined && initial !== undefined) {
        expect(trainConfigSchema.safeParse({ ...config, [name]: initial }).success, name).toBe(
          true,
        );
      }
    }
  });

  test('names no option twice', () => {
    const names = GIVEN_SETTINGS.flatMap((name) => [
      optionName(name),
      ...(settingOf(name).option?.aliases ?? []).map((alias) => `--${alias}`),
    ]);
    expect(new Set(names).size).toBe(names.length);
  });

  test('decides the order of a configuration', () => {
    const kept = SETTING_NAMES.filter((name) => settingOf(name).path === undefined);
    expect(Object.keys(config)).toEqual(kept);
  });
});

describe('made from it', () => {
  test('what may be another one when a run is resumed', () => {
    expect(RESUMABLE_SETTINGS).toEqual([
      ...['data', 'device', 'threads', 'memory', 'printFreq', 'name', 'note', 'saveEvery'],
      ...['checkpointSeconds', 'checkpointSteps'],
    ]);
    // None of them is another training.
    for (const name of RESUMABLE_SETTINGS) expect(SETTINGS[name].changes).not.toBe('training');
  });

  test('what a plan fixes for all its runs, and what it leaves to the machine', () => {
    expect([...PLAN_SETTINGS].sort()).toEqual([
      ...['batchSize', 'data', 'epochs', 'half', 'learningRate', 'limitBatches', 'milestones'],
      ...['saveEvery', 'shortcut', 'validation'],
    ]);
    expect(MACHINE_SETTING_NAMES).toEqual([
      ...['device', 'threads', 'convolution', 'memory', 'tune', 'tensorCores'],
    ]);
    expect(() => makePlan({ settings: { learningRate: 0 } })).toThrow(/learningRate/);
  });

  test('what the runs of a row of a report have in common', () => {
    const free = Object.keys(config).filter((name) => !TRAINING_SETTINGS.some((s) => s === name));
    expect(free).toEqual([
      ...['classes', 'data', 'seed', 'validation', 'device', 'threads', 'convolution', 'memory'],
      ...['tune', 'tensorCores', 'printFreq', 'name', 'note', 'metricsEvery', 'saveEvery'],
      ...['checkpointSeconds', 'checkpointSteps'],
    ]);
  });

  test('the parts of the schedule', () => {
    expect(PART_SETTINGS).toEqual(['epochs', 'scheduleKind', 'milestones', 'gamma', 'warmup']);
  });

  test('the options of train, each with the bounds and the default of its setting', () => {
    for (const name of GIVEN_SETTINGS) {
      const option: Option<unknown> = trainOptions[name];
      expect(`--${flagName(name, option)}`).toBe(optionName(name));
      const { form } = settingOf(name);
      if (form?.kind !== 'integer' && form?.kind !== 'number') continue;
      expect(boundsText(option.bounds ?? {}), name).toBe(boundsText(form));
      expect(boundsText(form), name).not.toBe('');
    }
    expect(optionHelp(trainOptions.learningRate)).toContain(
      'above 0 and at most 1000; default 0.1',
    );
    expect(optionHelp(trainOptions.seed)).toContain('at least 0 and at most 4294967295; default 1');
    expect(optionHelp(trainOptions.labelSmoothing)).toContain('at least 0 and below 1; default 0');
  });

  test('the options of reproduce, with the defaults of a plan', () => {
    for (const name of [...PLAN_SETTINGS, ...MACHINE_SETTING_NAMES]) {
      expect(reproduceOptions[name].help).not.toBe('');
    }
    expect(optionHelp(reproduceOptions.saveEvery)).toMatch(/default 0\)$/);
    expect(optionHelp(trainOptions.saveEvery)).toMatch(/default 10\)$/);
  });
});

describe('bounds', () => {
  test.each([
    ['learningRate', 0, '--lr must be above 0 and at most 1000', 1000],
    ['learningRate', 1e30, '--lr must be above 0 and at most 1000', 1e-9],
    ['gamma', 0, '--gamma must be above 0 and at most 1000', 0.5],
    ['momentum', 1.5, '--momentum must be at least 0 and at most 1', 1],
    ['labelSmoothing', 1, '--label-smoothing must be at least 0 and below 1', 0.995],
    ['batchSize', 65537, '--batch-size must be at least 1 and at most 65536', 65536],
    ['threads', 0, '--threads must be at least 1 and at most 1024', 1],
  ] as const)(
    'of %s refuse %d as an option, in a file and from a program',
    (name, bad, sentence, good) => {
      const { parse } = trainOptions[name];
      const message = sentence.replace(/^\S+ /, '');
      expect(() => parse(String(bad))).toThrow(`${message}, not ${bad}`);
      expect(parse(String(good))).toBe(good);
      const overrides = (value: number) => ({ arch: 'resnet20', overrides: { [name]: value } });
      const bounds = message.replace('must be ', '');
      expect(() => resolveConfig(overrides(bad))).toThrow(
        new RegExp(`${name}: must be a (whole )?number, ${bounds}, not `),
      );
      expect(() => resolveConfig(overrides(good))).not.toThrow();
      expect(schemaOf(SETTINGS[name].form).safeParse(bad).success).toBe(false);
      expect(schemaOf(SETTINGS[name].form).safeParse(good).success).toBe(true);
    },
  );

  test('a number too large to be exact is refused by its bounds', () => {
    expect(() => trainOptions.seed.parse('18446744073709551616')).toThrow(
      'must be at least 0 and at most 4294967295, not 18446744073709551616',
    );
    expect(() => trainOptions.epochs.parse('18446744073709551616')).toThrow(/at most/);
  });
});

describe('runs that are older than a setting', () => {
  test('have what was done before there was a choice; new runs have the default', () => {
    const { initial, freeze, memory, tune, tensorCores, nesterov, ...old } = config;
    expect({ initial, freeze, memory, tune, tensorCores, nesterov }).toEqual({
      ...{ initial: null, freeze: 'none', memory: 'auto', tune: 'auto', tensorCores: 'auto' },
      nesterov: false,
    });
    expect(parseTrainConfig(old)).toEqual({ ...config, tune: 'off', tensorCores: 'off' });
    expect(DEFAULTS).toMatchObject({ tune: 'auto', tensorCores: 'auto' });
  });

  test('but no setting without such a value may be missing', () => {
    for (const name of Object.keys(config) as (keyof typeof config)[]) {
      const { [name]: _, ...rest } = config;
      const { success } = trainConfigSchema.safeParse(rest);
      expect(success, name).toBe('older' in SETTINGS[name]);
    }
    const { batchSize, ...rest } = config;
    expect(() => parseTrainConfig(rest, '"c.json"')).toThrow(
      '"c.json" is not a valid configuration: batchSize: must be a whole number, at least 1 and at most 65536, and it is missing.',
    );
  });
});

describe('a setting that does not exist', () => {
  test.each([
    ['learnigRate', 'learningRate'],
    ['lr', 'learningRate'],
  ])('%s is told %s', (name, meant) => {
    expect(() => parseTrainConfig({ ...config, [name]: 1 })).toThrow(
      `there is no setting "${name}". Did you mean ${meant}?`,
    );
  });
});

test('configurations differ in what a run keeps', () => {
  expect(keptDifferences(config, { ...config, threads: 7, device: 'cpu', saveEvery: 0 })).toEqual(
    [],
  );
  const schedule = { ...config.schedule, length: 3 };
  expect(keptDifferences(config, { ...config, seed: 2, schedule })).toEqual(['schedule', 'seed']);
});
