// Histograms in TensorBoard's own buckets: exponentially growing on both sides of zero, so that the
// weights of a whole training fit the same axis whatever their scale.

export interface Histogram {
  readonly min: number;
  readonly max: number;
  /** Finite values counted. */
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** Upper limit of each bucket, rising; the lower one is the limit before. */
  readonly limits: readonly number[];
  /** Values in each bucket. */
  readonly counts: readonly number[];
}

/** Limits from 1e-12 to 1e20 in steps of 10 %, their negatives, zero, and the largest double. */
const LIMITS: Float64Array = (() => {
  const positive: number[] = [];
  for (let limit = 1e-12; limit < 1e20; limit *= 1.1) positive.push(limit);
  positive.push(Number.MAX_VALUE);
  const negative = positive.toReversed().map((limit) => -limit);
  return Float64Array.of(...negative, 0, ...positive);
})();

/** First bucket whose limit is above the value. */
function bucketOf(value: number): number {
  let low = 0;
  let high = LIMITS.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value < (LIMITS[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The histogram of the finite values; TensorBoard cannot show others. */
export function makeHistogram(values: Iterable<number>): Histogram {
  const buckets = new Float64Array(LIMITS.length);
  let [min, max, count, sum, sumOfSquares] = [Infinity, -Infinity, 0, 0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    count++;
    sum += value;
    sumOfSquares += value * value;
    buckets[bucketOf(value)]!++;
  }
  if (count === 0) return { min: 0, max: 0, count, sum, sumOfSquares, limits: [], counts: [] };
  // A filled bucket's lower limit is the one before it, so that one is kept too, if empty.
  const kept = [...buckets.keys()].filter((i) => buckets[i]! > 0 || (buckets[i + 1] ?? 0) > 0);
  return {
    min,
    max,
    count,
    sum,
    sumOfSquares,
    limits: kept.map((i) => LIMITS[i]!),
    counts: kept.map((i) => buckets[i]!),
  };
}
