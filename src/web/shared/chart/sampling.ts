// From the points of many curves to as many as a screen can show, at places that all curves share, which
// is how uPlot takes them. First every curve is smoothed, with all of its points; only then are they
// thinned, to the lowest and highest of each narrow column, so that no peak is lost and nothing
// flickers. What was done once is kept: a new point costs the same however many there are.

import type { Curve } from './curve.ts';

/** A curve, and how it is to be smoothed. */
export interface Line {
  readonly curve: Curve;
  /** From 0, not at all, to below 1: the weight of what came before (an exponential average). */
  readonly smoothing: number;
}

export interface SamplingOptions {
  /** Columns of equal width on a logarithmic axis. */
  readonly logX: boolean;
  /** The part that is shown; everything without it. */
  readonly range?: readonly [low: number, high: number];
  /** About as many columns as are worth drawing. */
  readonly columns: number;
}

export interface Sampled {
  readonly x: number[];
  /** For each curve, a value or null at each x. */
  readonly y: (number | null)[][];
}

/** Samples curves for one chart, again and again; a curve it has seen before is continued. */
export class Sampler {
  #kept: readonly Smoothed[] = [];

  /** @returns values for each line, in their order; a curve may be in several lines */
  sample(lines: readonly Line[], options: SamplingOptions): Sampled {
    const before = Map.groupBy(this.#kept, ({ curve }) => curve);
    const all = lines.map(
      ({ curve, smoothing }) =>
        before.get(curve)?.find((line) => line.continues(smoothing)) ??
        new Smoothed(curve, smoothing),
    );
    for (const line of all) line.update();
    this.#kept = all;
    const [low, high] = options.range ?? extent(lines.map(({ curve }) => curve));
    const spans = all.map((line) => line.span(low, high));
    const most = Math.max(0, ...spans.map(([from, to]) => to - from));
    if (most <= 2 * options.columns) return exact(all, spans);
    return columnwise(all, spans, makeGrid([low, high], options));
  }
}

/** Lowest and highest x of all; [0, 1] where there is no point. */
export function extent(curves: readonly Curve[]): [low: number, high: number] {
  const filled = curves.filter(({ length }) => length > 0);
  if (filled.length === 0) return [0, 1];
  return [
    Math.min(...filled.map((curve) => curve.x(0))),
    Math.max(...filled.map((curve) => curve.x(curve.length - 1))),
  ];
}

interface Grid {
  readonly key: string;
  columnOf(x: number): number;
  /** Two places in a column, for its two values in their order. */
  placesIn(column: number): readonly [first: number, second: number];
}

/** Widths are powers of two from zero on, so that columns stay where they are while a run grows. */
function makeGrid(
  [low, high]: readonly [number, number],
  { logX, columns }: SamplingOptions,
): Grid {
  const to = logX ? (x: number) => Math.log2(Math.max(x, 1e-9)) : (x: number) => x;
  const back = logX ? (u: number) => 2 ** u : (u: number) => u;
  const width = 2 ** Math.ceil(Math.log2((to(high) - to(low)) / columns));
  return {
    key: `${logX} ${width}`,
    columnOf: (x) => Math.floor(to(x) / width),
    placesIn: (column) => [back((column + 0.25) * width), back((column + 0.75) * width)],
  };
}

/** Lowest and highest of a column, in the order in which they came. */
interface Column {
  readonly index: number;
  first: number;
  second: number;
}

/** A curve after smoothing. */
class Smoothed {
  readonly curve: Curve;
  readonly #weight: number;
  readonly #rewrites: number;
  #y = new Float64Array(256);
  #length = 0;
  #sum = 0;
  #bias = 1;
  #columns: Column[] = [];
  #columnsKey = '';
  #inColumns = 0;

  constructor(curve: Curve, weight: number) {
    this.curve = curve;
    this.#weight = weight;
    this.#rewrites = curve.rewrites;
  }

  /** Whether what is here still holds. */
  continues(weight: number): boolean {
    return weight === this.#weight && this.curve.rewrites === this.#rewrites;
  }

  /** Takes in the points that are new. Divided by what the weights add up to, the first ones count in full. */
  update(): void {
    while (this.#y.length < this.curve.length) {
      const larger = new Float64Array(this.#y.length * 2);
      larger.set(this.#y);
      this.#y = larger;
    }
    for (; this.#length < this.curve.length; this.#length++) {
      this.#sum = this.#sum * this.#weight + this.curve.y(this.#length) * (1 - this.#weight);
      this.#bias *= this.#weight;
      this.#y[this.#length] = this.#sum / (1 - this.#bias);
    }
  }

  y(index: number): number {
    return this.#y[index]!;
  }

  /** First and one past the last point in a range, with one more on each side, where lines go on to. */
  span(low: number, high: number): readonly [from: number, to: number] {
    const from = Math.max(0, this.#search(low) - 1);
    let to = this.#search(high);
    if (to < this.#length && this.curve.x(to) <= high) to++;
    return [from, Math.min(this.#length, to + 1)];
  }

  /** The first point whose x is not below. */
  #search(x: number): number {
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.curve.x(middle) < x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** All of the curve's columns on a grid. */
  columns(grid: Grid): readonly Column[] {
    if (grid.key !== this.#columnsKey) {
      this.#columns = [];
      this.#columnsKey = grid.key;
      this.#inColumns = 0;
    }
    for (; this.#inColumns < this.#length; this.#inColumns++) {
      const index = grid.columnOf(this.curve.x(this.#inColumns));
      const value = this.#y[this.#inColumns]!;
      const last = this.#columns.at(-1);
      if (last?.index !== index) this.#columns.push({ index, first: value, second: value });
      else widen(last, value);
    }
    return this.#columns;
  }
}

function widen(column: Column, value: number): void {
  const { first, second } = column;
  const [low, high] = first < second ? [first, second] : [second, first];
  if (value > high) [column.first, column.second] = [low, value];
  else if (value < low) [column.first, column.second] = [high, value];
}

/** Few points: every one, at its own place. */
function exact(lines: readonly Smoothed[], spans: readonly (readonly [number, number])[]): Sampled {
  const places = new Set<number>();
  for (const [i, { curve }] of lines.entries()) {
    const [from, to] = spans[i]!;
    for (let j = from; j < to; j++) places.add(curve.x(j));
  }
  const x = [...places].sort((a, b) => a - b);
  const indexOf = new Map(x.map((value, index) => [value, index]));
  const y = lines.map((line, i) => {
    const values = new Array<number | null>(x.length).fill(null);
    const [from, to] = spans[i]!;
    for (let j = from; j < to; j++) values[indexOf.get(line.curve.x(j))!] = line.y(j);
    return values;
  });
  return { x, y };
}

function columnwise(
  lines: readonly Smoothed[],
  spans: readonly (readonly [number, number])[],
  grid: Grid,
): Sampled {
  const shown = lines.map((line, i) => {
    const [from, to] = spans[i]!;
    if (from >= to) return [];
    const [first, last] = [grid.columnOf(line.curve.x(from)), grid.columnOf(line.curve.x(to - 1))];
    return line.columns(grid).filter(({ index }) => index >= first && index <= last);
  });
  const indices = [...new Set(shown.flat().map(({ index }) => index))].sort((a, b) => a - b);
  const placeOf = new Map(indices.map((index, place) => [index, 2 * place]));
  const y = shown.map((columns) => {
    const values = new Array<number | null>(2 * indices.length).fill(null);
    for (const { index, first, second } of columns) {
      const place = placeOf.get(index)!;
      values[place] = first;
      values[place + 1] = second;
    }
    return values;
  });
  return { x: indices.flatMap((index) => grid.placesIn(index)), y };
}
