// What an evaluation says, as the page draws it.

import type { Evaluation } from '../../worker/protocol.ts';

/** `8.36 %`; a dash for what has no images. */
export function percent(fraction: number | null): string {
  return fraction === null ? '–' : `${(100 * fraction).toFixed(2)} %`;
}

/** Weights that have become infinite or no number say nothing about any image. */
export function areNumbers(values: readonly number[]): boolean {
  return values.every(Number.isFinite);
}

/** Images of one class that were taken for another one. */
export interface Confusion {
  readonly label: number;
  readonly predicted: number;
  readonly count: number;
}

/** The confusions that there are, most frequent first. */
export function confusionsOf({ confusion }: Pick<Evaluation, 'confusion'>): Confusion[] {
  return confusion
    .flatMap((row, label) => row.map((count, predicted) => ({ label, predicted, count })))
    .filter(({ label, predicted, count }) => label !== predicted && count > 0)
    .sort((a, b) => b.count - a.count || a.label - b.label || a.predicted - b.predicted);
}

/**
 * How strongly a cell is coloured, from 0 to 1: hits by their share of the class, mistakes by their share
 * of the most frequent one, which would be too pale beside the hits.
 */
export function cellStrength(
  { confusion }: Pick<Evaluation, 'confusion'>,
  label: number,
  predicted: number,
) {
  const row = confusion[label]!;
  const count = row[predicted]!;
  if (count === 0) return 0;
  if (label === predicted) return count / row.reduce((sum, each) => sum + each, 0);
  const most = Math.max(...confusion.flatMap((cells, i) => cells.filter((_, j) => i !== j)));
  return count / most;
}

/** Where an arrow key leads in a square of cells. */
export function cellAfter(key: string, [row, column]: readonly [number, number], size: number) {
  const moves: Readonly<Record<string, readonly [number, number]>> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    Home: [0, -column],
    End: [0, size - 1 - column],
  };
  const move = moves[key];
  if (!move) return undefined;
  const inside = (at: number) => Math.max(0, Math.min(size - 1, at));
  return [inside(row + move[0]), inside(column + move[1])] as const;
}
