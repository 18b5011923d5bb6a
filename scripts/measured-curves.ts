// Takes the error curves of our report on 8,380 images out of its drawings, epoch by epoch, and writes
// them into the page's first chapter (`node scripts/measured-curves.ts`, then `npm run format`). The
// runs' own metrics are not kept in this repository; the drawings are, and give errors to 0.1 points.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { MeasuredCurves, MeasuredRun } from '../src/web/chapters/why/measured.ts';

const ROOT = path.join(import.meta.dirname, '..');
const REPORT = path.join(ROOT, 'docs', 'results', 'sample');
const TARGET = path.join(ROOT, 'src', 'web', 'chapters', 'why', 'measured.json');

/** A curve in a drawing: dashed ones are training errors. */
const CURVE =
  /<path d="M([\d.L ]+)" fill="none"[^>]*stroke-linejoin="round"( stroke-dasharray[^>]*)?\/>/g;
/** A line of the grid with the error that it stands for. */
const GRID = /<path d="M62 ([\d.]+)H466"[^>]*\/><text[^>]*>(\d+)<\/text>/g;

/** The curves of the report, in the order in which it lists its runs. */
export function readMeasuredCurves(): MeasuredCurves {
  const listed = readFileSync(path.join(REPORT, 'runs.csv'), 'utf8').trim().split('\n').slice(1);
  const drawn = ['residual', 'plain'].flatMap((kind) =>
    readCurves(readFileSync(path.join(REPORT, `error-${kind}-notebook.svg`), 'utf8')),
  );
  if (drawn.length !== 2 * listed.length) {
    throw new Error(`${listed.length} runs have ${drawn.length} curves, not a pair each`);
  }
  const runs = listed.map((line, i): MeasuredRun => {
    const [, arch = '', , seed] = line.split(',');
    return { arch, seed: Number(seed), train: drawn[2 * i]!, test: drawn[2 * i + 1]! };
  });
  return { runs };
}

/** Errors in per cent after each epoch, of every curve of a drawing. */
function readCurves(svg: string): number[][] {
  const [low, high] = [...svg.matchAll(GRID)]
    .map(([, y, error]) => ({ y: Number(y), error: Number(error) }))
    .filter((_, i, all) => i === 0 || i === all.length - 1);
  if (!low || !high) throw new Error('A drawing has no grid to read its errors by.');
  const perPixel = (high.error - low.error) / (high.y - low.y);
  return [...svg.matchAll(CURVE)].map(([, points = '']) =>
    points.split('L').map((point) => {
      const y = Number(point.split(' ')[1]);
      return Number((low.error + (y - low.y) * perPixel).toFixed(1));
    }),
  );
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(TARGET, `${JSON.stringify(readMeasuredCurves())}\n`);
}
