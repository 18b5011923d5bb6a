// Networks as the address of chapter 6 names them.

import { describe, expect, test } from 'vitest';
import {
  counterpart,
  runOf,
  sourceOf,
  untrained,
} from '../../../../src/web/chapters/inside/source.ts';

describe('a network in the address', () => {
  test('is random weights of a seed, a run, or a run as it is now', () => {
    expect(sourceOf('untrained:plain56:12')).toEqual({ from: 'random', arch: 'plain56', seed: 12 });
    expect(sourceOf(untrained('resnet20', 'B'))).toEqual({
      from: 'random',
      arch: 'resnet20',
      seed: 1,
      shortcut: 'B',
    });
    expect(sourceOf(untrained('resnet20', 'A'))).toEqual(sourceOf('untrained:resnet20:1'));
    expect(sourceOf('run:runs/a:b')).toEqual({ from: 'run', run: 'runs/a:b' });
    expect(sourceOf('training:runs/a')).toEqual({ from: 'training', run: 'runs/a' });
  });

  test.each(['', 'file:a.th', 'untrained:resnet20', 'untrained:resnet20:x', 'else:1'])(
    '"%s" is nothing that can be loaded',
    (key) => {
      expect(sourceOf(key)).toBeUndefined();
    },
  );

  test('names its run, where it has one', () => {
    expect(runOf('run:runs/a')).toBe('runs/a');
    expect(runOf('training:runs/a')).toBe('runs/a');
    expect(runOf('untrained:resnet20:1')).toBeUndefined();
  });

  test('is compared with the same depth, with shortcuts or without', () => {
    expect(counterpart('resnet56')).toBe('untrained:plain56:1');
    expect(counterpart('plain20')).toBe('untrained:resnet20:1');
  });
});
