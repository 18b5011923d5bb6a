// The points of one line, growing while a run goes on. A chart is told of new points and draws at its own
// pace, so a curve may be given thousands a second.

export class Curve {
  #x = new Float64Array(256);
  #y = new Float64Array(256);
  #length = 0;
  #rewrites = 0;
  readonly #readers = new Set<() => void>();

  /** A curve that has points already. */
  static of(points: Iterable<readonly [x: number, y: number]>): Curve {
    const curve = new Curve();
    for (const [x, y] of points) curve.push(x, y);
    return curve;
  }

  get length(): number {
    return this.#length;
  }

  /** Counts how often points were taken back; what was made of them has to be made again. */
  get rewrites(): number {
    return this.#rewrites;
  }

  x(index: number): number {
    return this.#x[index]!;
  }

  y(index: number): number {
    return this.#y[index]!;
  }

  /**
   * Adds a point. One whose x is not behind the last one's takes back those from there on: a run that
   * goes on from a checkpoint does some steps again. A y that is no number is left out.
   */
  push(x: number, y: number): void {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return;
    if (this.#length > 0 && x <= this.#x[this.#length - 1]!) this.#truncate(x);
    if (this.#length === this.#x.length) {
      this.#x = grown(this.#x);
      this.#y = grown(this.#y);
    }
    this.#x[this.#length] = x;
    this.#y[this.#length] = y;
    this.#length++;
    for (const tell of this.#readers) tell();
  }

  clear(): void {
    this.#truncate(-Infinity);
    for (const tell of this.#readers) tell();
  }

  /**
   * Calls `tell` after every change.
   * @returns what ends that
   */
  subscribe(tell: () => void): () => void {
    this.#readers.add(tell);
    return () => this.#readers.delete(tell);
  }

  #truncate(from: number): void {
    while (this.#length > 0 && this.#x[this.#length - 1]! >= from) this.#length--;
    this.#rewrites++;
  }
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2);
  larger.set(values);
  return larger;
}

/** What a reader who sees no picture is told of a curve. */
export interface CurveFacts {
  readonly first: number;
  readonly latest: number;
  readonly latestX: number;
  readonly lowest: number;
  readonly lowestX: number;
  readonly highest: number;
}

/** Undefined for a curve without points. */
export function factsOf(curve: Curve): CurveFacts | undefined {
  if (curve.length === 0) return undefined;
  let lowest = 0;
  let highest = 0;
  for (let i = 1; i < curve.length; i++) {
    if (curve.y(i) < curve.y(lowest)) lowest = i;
    if (curve.y(i) > curve.y(highest)) highest = i;
  }
  const end = curve.length - 1;
  return {
    first: curve.y(0),
    latest: curve.y(end),
    latestX: curve.x(end),
    lowest: curve.y(lowest),
    lowestX: curve.x(lowest),
    highest: curve.y(highest),
  };
}
