// What is typed into the page's form becomes the settings that the command line would have made of it.

import { describe, expect, test } from 'vitest';
import { GIVEN_SETTINGS, settingOf } from '../../../src/train/config.ts';
import {
  labelOf,
  readSetting,
  readSettings,
  settingFields,
  suggestionsFor,
} from '../../../src/web/shared/form/read.ts';

describe('a field of a setting', () => {
  test.each([
    ['recipe', 'fast', 'fast'],
    ['recipe', 'FAST', 'fast'],
    ['epochs', ' 20 ', 20],
    ['learningRate', '0.05', 0.05],
    ['milestones', '100,150', [100, 150]],
    ['milestones', 'none', []],
    ['validation', '0.1', 0.1],
    ['augment', '1', false],
    ['warmup', 'none', { kind: 'none' }],
    ['arch', 'plain20', 'plain20'],
    ['seed', '', undefined],
  ] as const)('%s reads "%s"', (name, typed, value) => {
    expect(readSetting(name, typed)).toEqual({ value });
  });

  test.each([
    ['epochs', 'many', /^Must be a whole number.*\.$/],
    ['epochs', '0', /^Must be a whole number, at least 1/],
    ['epochs', '1.5', /whole number/],
    ['momentum', '2', /^Must be a number, at least 0 and at most 1\.$/],
    ['recipe', 'slow', /^Must be one of notebook/],
    ['milestones', '150,100', /rising/],
    ['milestones', '1,,2', /rising/],
    ['warmup', 'never', /^[A-Z].*\.$/],
  ] as const)('%s says what is wrong with "%s"', (name, typed, problem) => {
    expect(readSetting(name, typed)).toEqual({ problem: expect.stringMatching(problem) });
  });
});

test('a form gives the network, the recipe, what replaces its settings, and what is wrong', () => {
  const texts = { arch: 'resnet32', recipe: 'fast', epochs: '5', seed: '', batchSize: 'big' };
  expect(readSettings(texts)).toEqual({
    arch: 'resnet32',
    recipe: 'fast',
    overrides: { epochs: 5 },
    problems: { batchSize: 'Must be a whole number, at least 1 and at most 65536.' },
  });
});

test('every setting that users give has a label and a field of the address', () => {
  expect(Object.keys(settingFields(GIVEN_SETTINGS))).toEqual([...GIVEN_SETTINGS]);
  for (const name of GIVEN_SETTINGS) expect(labelOf(name)).toMatch(/^[A-Z][a-z]/);
  expect(labelOf('learningRate')).toBe('Learning rate');
  expect(labelOf('augment')).toBe('No augment');
});

test('a text with words in its placeholder suggests them', () => {
  expect(suggestionsFor(settingOf('device').form!)).toEqual(['auto', 'cpu', 'reference']);
  expect(suggestionsFor(settingOf('arch').form!)).toEqual([]);
});
