// The figures of a report, as SVG.

import { describe, expect, test } from 'vitest';
import { buildReport } from '../../../src/experiment/report/build.ts';
import { drawChart, niceTicks } from '../../../src/experiment/report/chart.ts';
import { figuresOf } from '../../../src/experiment/report/figures.ts';
import type { RecipeName } from '../../../src/train/config.ts';
import { run } from './support/runs.ts';

describe('figures', () => {
  test('show errors as the paper does: two kinds of lines, and its number dotted', () => {
    const report = buildReport([run('resnet20', 1, 8), run('plain20', 1, 9)], 'x');
    const figures = figuresOf(report);
    expect(figures.map(({ id }) => id)).toEqual([
      'error-residual-notebook',
      'error-plain-notebook',
      'learning-rate',
      'loss',
    ]);
    const [residual, plain] = figures;
    expect(residual!.svg.match(/stroke-dasharray="4 3"/g)).toHaveLength(1);
    expect(residual!.svg).toContain('ResNet-20 in the paper: 8.75 %');
    expect(plain!.svg).not.toContain('in the paper');
    for (const { svg } of figures) expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('of learning rates have a linear axis where all runs are one-cycle, else logarithmic', () => {
    const ticks = (...recipes: RecipeName[]) => {
      const report = buildReport(
        recipes.map((recipe) => run('resnet20', 1, 9, { recipe })),
        'x',
      );
      const figure = figuresOf(report).find(({ id }) => id === 'learning-rate')!;
      return [...figure.svg.matchAll(/text-anchor="end">([^<]+)</g)].map(([, text]) => text);
    };
    expect(ticks('fast')).toContain('0.02');
    expect(ticks('fast', 'notebook')).toEqual(['0.01', '0.1']);
  });

  test('survive having nothing to draw', () => {
    expect(figuresOf(buildReport([], 'x'))).toEqual([]);
    const svg = drawChart({
      title: 'empty',
      xLabel: 'x',
      yLabel: 'y',
      series: [],
      logarithmic: true,
    });
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  test('have round ticks', () => {
    expect(niceTicks(0, 20, 6)).toEqual([0, 5, 10, 15, 20]);
    expect(niceTicks(0, 64_000, 6)).toEqual([0, 20_000, 40_000, 60_000]);
    expect(niceTicks(0, 0.35, 6)).toEqual([0, 0.1, 0.2, 0.3]);
  });
});
