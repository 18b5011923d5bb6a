// What is drawn of an evaluation, and where keys lead in a confusion matrix.

import { describe, expect, it } from 'vitest';
import {
  areNumbers,
  cellAfter,
  cellStrength,
  confusionsOf,
  percent,
} from '../../../../src/web/chapters/test/report.ts';

const confusion = [
  [8, 2, 0],
  [4, 6, 0],
  [0, 1, 0],
];

describe('a report', () => {
  it('writes fractions as per cent, and a dash for nothing', () => {
    expect(percent(85 / 1017)).toBe('8.36 %');
    expect(percent(null)).toBe('–');
  });

  it('knows answers that are no numbers', () => {
    expect(areNumbers([0, 1])).toBe(true);
    expect(areNumbers([0, Number.NaN])).toBe(false);
    expect(areNumbers([Infinity])).toBe(false);
  });

  it('lists confusions, most frequent first, without hits and without nothing', () => {
    expect(confusionsOf({ confusion })).toEqual([
      { label: 1, predicted: 0, count: 4 },
      { label: 0, predicted: 1, count: 2 },
      { label: 2, predicted: 1, count: 1 },
    ]);
  });

  it('colours hits by their share of the class, mistakes by that of the commonest', () => {
    expect(cellStrength({ confusion }, 0, 0)).toBe(0.8);
    expect(cellStrength({ confusion }, 0, 1)).toBe(0.5);
    expect(cellStrength({ confusion }, 1, 0)).toBe(1);
    expect(cellStrength({ confusion }, 2, 2)).toBe(0);
  });

  it('moves in the matrix by arrows, Home and End, and stays inside', () => {
    expect(cellAfter('ArrowRight', [1, 1], 3)).toEqual([1, 2]);
    expect(cellAfter('ArrowRight', [1, 2], 3)).toEqual([1, 2]);
    expect(cellAfter('ArrowUp', [0, 1], 3)).toEqual([0, 1]);
    expect(cellAfter('ArrowDown', [0, 1], 3)).toEqual([1, 1]);
    expect(cellAfter('Home', [2, 2], 3)).toEqual([2, 0]);
    expect(cellAfter('End', [2, 0], 3)).toEqual([2, 2]);
    expect(cellAfter('Enter', [2, 0], 3)).toBeUndefined();
  });
});
