// The form of chapter 4: texts from the address become a run, or say what is wrong and where.

import { describe, expect, it } from 'vitest';
import {
  COMMON,
  FIRST,
  formFields,
  PAPERS,
  RARE,
  readForm,
} from '../../../../src/web/chapters/train/form.ts';
import type { DataFacts } from '../../../../src/web/worker/protocol.ts';

const DATA: DataFacts = {
  data: 'mine',
  title: 'mine',
  isOriginalCifar10: false,
  classes: ['cat', 'dog', 'owl'],
  train: [40, 30, 30],
  test: [10, 10, 10],
  notices: [],
  isKept: true,
};

describe('the form', () => {
  it('has every setting of the table once, but for images and devices', () => {
    const names = Object.keys(formFields());
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual([...COMMON, ...RARE]);
    expect(names).not.toContain('data');
    expect(names).toContain('labelSmoothing');
  });

  it('begins with a run that can begin, on the classes of the images', () => {
    const { run, config, problems, problem } = readForm(FIRST, DATA);
    expect({ problems, problem }).toEqual({ problems: {}, problem: undefined });
    expect(run).toMatchObject({ arch: 'resnet8', recipe: 'fast' });
    expect(config).toMatchObject({ arch: 'resnet8', batchSize: 32, seed: 1, classes: 3 });
  });

  it("means the notebook's recipe and nothing else where it is set to the paper's network", () => {
    const { config, changed } = readForm(PAPERS, DATA);
    expect(changed).toEqual([]);
    expect(config?.schedule).toMatchObject({ length: 200, milestones: [100, 150] });
  });

  it('marks what differs from the recipe, not what repeats it', () => {
    const texts = { ...PAPERS, learningRate: '0.1', weightDecay: '0.0005', epochs: '10' };
    expect(readForm(texts, DATA).changed).toEqual(['epochs', 'weightDecay']);
    expect(readForm(texts, DATA).byRecipe).toMatchObject({ epochs: '200', milestones: '100,150' });
  });

  it.each([
    ['a value that is none', { learningRate: 'fast' }, 'learningRate', 'Must be a number'],
    ['a network that does not exist', { arch: 'resnet21' }, 'arch', 'resnet'],
    ['no network', { arch: '' }, 'arch', 'Name a network'],
    ['what the recipe has no place for', { milestones: '5,8' }, 'milestones', 'recipe fast'],
    ['a start behind the end', { startEpoch: '10' }, 'startEpoch', 'nothing to train'],
  ] as const)('says at its field what is wrong with %s', (_, texts, field, words) => {
    const { run, problems } = readForm({ ...FIRST, ...texts }, DATA);
    expect(run).toBeUndefined();
    expect(problems[field]).toContain(words);
  });

  it('turns a share of the images to hold out into a number of them', () => {
    expect(readForm({ ...FIRST, validation: '0.1' }, DATA).config?.validation).toBe(10);
    expect(readForm({ ...FIRST, validation: '7' }, DATA).config?.validation).toBe(7);
  });
});
