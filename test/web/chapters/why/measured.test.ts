// The curves of the first chapter are those of the report in docs/results/sample.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMeasuredCurves } from '../../../../scripts/measured-curves.ts';
import { lastError, measuredChart } from '../../../../src/web/chapters/why/measured.ts';

const ROOT = path.join(import.meta.dirname, '../../../..');
const curves = readMeasuredCurves();

describe('measured curves', () => {
  it('are in the page as they are in the drawings', () => {
    const file = path.join(ROOT, 'src/web/chapters/why/measured.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(curves);
  });

  it('end and are lowest where the report says so', () => {
    const csv = readFileSync(path.join(ROOT, 'docs/results/sample/runs.csv'), 'utf8');
    const listed = csv.trim().split('\n').slice(1);
    expect(curves.runs).toHaveLength(listed.length);
    listed.forEach((line, i) => {
      const [, arch, , seed, , , , final, best, , , , train] = line.split(',');
      const run = curves.runs[i]!;
      expect(run).toMatchObject({ arch, seed: Number(seed) });
      expect(run.test).toHaveLength(60);
      expect(Math.abs(run.test.at(-1)! - Number(final))).toBeLessThan(0.1);
      expect(Math.abs(Math.min(...run.test) - Number(best))).toBeLessThan(0.1);
      expect(Math.abs(run.train.at(-1)! - Number(train))).toBeLessThan(0.1);
    });
  });

  it('are drawn one line a run, on the same axes, each depth once in the legend', () => {
    const plain = measuredChart(curves, 'plain', 'train');
    const residual = measuredChart(curves, 'resnet', 'train');
    expect(plain.yRange).toEqual(residual.yRange);
    expect(residual.series).toHaveLength(8);
    expect(residual.series.filter(({ listed }) => listed).map(({ label }) => label)).toEqual(
      ['20', '32', '44', '56'].map((depth) => `${depth} layers`),
    );
  });

  it('show the degradation: deeper plain nets end higher on their own training images', () => {
    const gap = (family: string) =>
      lastError(curves, `${family}56`, 'train') - lastError(curves, `${family}20`, 'train');
    expect(gap('plain')).toBeGreaterThan(45);
    expect(gap('resnet')).toBeLessThan(5);
  });
});
