// The option table: what it reads, and one sentence for each way to type it wrongly.

import { describe, expect, test } from 'vitest';
import { parseCommandLine } from '../../src/cli/options.ts';
import { amount, choice, flag, integer, integerList, number, text } from '../../src/cli/values.ts';

const table = {
  batchSize: integer({ help: '', short: 'b', initial: 128, minimum: 1 }),
  lr: number({ help: '', aliases: ['learning-rate'], minimum: 0 }),
  log: choice(['auto', 'plain'], { help: '', initial: 'auto' }),
  milestones: integerList({ help: '' }),
  validation: amount({ help: '' }),
  saveDir: text({ help: '', initial: 'runs' }),
  json: flag({ help: '' }),
};
const parse = (...argv: string[]) =>
  parseCommandLine('train', table, [{ name: 'ARCH', help: 'a network', required: false }], argv);

describe('values', () => {
  test('defaults where nothing is typed', () => {
    const { values, positionals, given } = parse();
    expect(values).toEqual({
      batchSize: 128,
      lr: undefined,
      log: 'auto',
      milestones: undefined,
      validation: undefined,
      saveDir: 'runs',
      json: false,
    });
    expect(positionals).toEqual([]);
    expect(given.size).toBe(0);
  });

  test('long, short, alias, = and positionals in any order', () => {
    const { values, positionals, given } = parse(
      '-b',
      '64',
      'resnet20',
      '--learning-rate=0.05',
      '--json',
      '--milestones',
      '100,150',
      '--validation',
      '0.1',
    );
    expect(values).toMatchObject({
      batchSize: 64,
      lr: 0.05,
      json: true,
      milestones: [100, 150],
      validation: 0.1,
    });
    expect(positionals).toEqual(['resnet20']);
    expect([...given]).toEqual(['batchSize', 'lr', 'json', 'milestones', 'validation']);
  });

  test('the last of a repeated option counts', () => {
    expect(parse('-b', '1', '-b', '2').values.batchSize).toBe(2);
  });

  test('none is the empty list', () => {
    expect(parse('--milestones', 'none').values.milestones).toEqual([]);
  });
});

describe('mistakes', () => {
  test.each([
    [['--batch-sise', '1'], 'there is no option --batch-sise; did you mean --batch-size?'],
    [['--qqqq'], 'there is no option --qqqq.'],
    [['-z'], 'there is no option -z.'],
    [['--batch-size'], '--batch-size needs a value: --batch-size <n>'],
    [['--save-dir', '--json'], '--save-dir needs a value: --save-dir <text>'],
    [['--json=yes'], '--json is a switch and takes no value'],
    [['--json', '0'], '--json is a switch and takes no value'],
    [['--log', 'plan'], '--log must be one of auto, plain, not "plan". Did you mean plain?'],
    [['-b', '1.5'], '-b must be a whole number, not "1.5"'],
    [['-b', '0'], '-b must be at least 1, not 0'],
    [['-b', ''], '-b must be a whole number, not ""'],
    [['--lr', 'fast'], '--lr must be a number, not "fast"'],
    [['--lr', '-0.1'], '--lr must be at least 0, not -0.1'],
    [['--log', 'loud'], '--log must be one of auto, plain, not "loud"'],
    [['--milestones', '150,100'], '--milestones must be rising whole numbers'],
    [['--validation', '1.5'], '--validation must be a number of images (5000) or a fraction'],
    [['resnet20', 'resnet32'], 'it does not know what to do with "resnet32"'],
  ])('%j', (argv, message) => {
    expect(() => parse(...argv)).toThrow(`table6 train: ${message}`);
    expect(() => parse(...argv)).toThrow(/See: table6 train --help$/);
  });

  test('a missing argument is named', () => {
    const expected = [{ name: 'IMAGE', help: 'picture files', required: true, repeated: true }];
    expect(() => parseCommandLine('predict', {}, expected, [])).toThrow('IMAGE is missing');
    expect(parseCommandLine('predict', {}, expected, ['a', 'b']).positionals).toEqual(['a', 'b']);
  });
});
