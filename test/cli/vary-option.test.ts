import { describe, expect, test } from 'vitest';
import { reproduceOptions } from '../../src/cli/commands/reproduce-options.ts';
import { parseCommandLine } from '../../src/cli/options.ts';

const varied = (...texts: string[]) =>
  parseCommandLine(
    'reproduce',
    reproduceOptions,
    [],
    texts.map((text) => `--vary=${text}`),
  ).values.vary;

describe('--vary', () => {
  test.each([
    ['lr=0.05,0.1', { learningRate: [0.05, 0.1] }],
    ['learning-rate=0.1', { learningRate: [0.1] }],
    ['--weight-decay=0,1e-4', { weightDecay: [0, 1e-4] }],
    ['wd=1', { weightDecay: [1] }],
    ['batchSize=64,128', { batchSize: [64, 128] }],
    ['milestones=100+150,none', { milestones: [[100, 150], []] }],
    ['nesterov=on,off', { nesterov: [true, false] }],
    ['augment=on,off', { augment: [true, false] }],
    ['no-augment=on', { augment: [false] }],
    ['warm-up=none,2', { warmup: [{ kind: 'none' }, { kind: 'epochs', epochs: 2, factor: 0.1 }] }],
    ['normalization=imagenet', { normalization: ['imagenet'] }],
  ])('%s', (text, expected) => expect(varied(text)).toEqual(expected));

  test('of several settings adds up', () => {
    expect(varied('lr=0.1', 'momentum=0.8,0.9')).toEqual({
      learningRate: [0.1],
      momentum: [0.8, 0.9],
    });
  });

  test.each([
    [['lr'], 'must be a setting and its values'],
    [['lr='], 'must be a setting and its values'],
    [['=0.1'], 'must be a setting and its values'],
    [['lr=0.1,,0.2'], 'must be a setting and its values'],
    [['lr=0'], 'varies lr, which must be above 0'],
    [['lr=0.1,x'], 'varies lr, which must be a number, not "x"'],
    [['nesterov=maybe'], 'must be on or off, not "maybe"'],
    [['lr=0.1,0.10'], 'has lr 0.1 twice'],
    [['lr=0.1', 'lr=0.2'], 'names lr twice: give all its values at once'],
    [['momentm=1'], 'Did you mean momentum?'],
    [['seed=1,2'], 'give several with --seeds'],
    [['arch=resnet20'], 'give several with --archs'],
    [['recipe=quick'], 'give several with --recipe'],
    [['threads=1,2'], 'makes no other training'],
    [['device=cpu'], 'makes no other training'],
    [['data=a,b'], 'a table compares runs on the same images'],
    [['freeze=layer1'], 'a table begins with random weights'],
  ])('%j is refused: %s', (texts, sentence) => expect(() => varied(...texts)).toThrow(sentence));
});
