// The little statistics that a table of repeated runs needs: mean, sample deviation, Student's t
// interval, and two ways to compare groups of runs. Small samples are the rule here (five seeds), so
// the t distribution is computed properly instead of being replaced by the normal one.

/** A group of measurements, or what someone else published about theirs. */
export interface Sample {
  readonly n: number;
  readonly mean: number;
  /** Sample deviation (divisor n − 1); undefined for a single measurement. */
  readonly deviation: number | undefined;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface Difference {
  /** Mean of the first minus mean of the second. */
  readonly difference: number;
  /** Undefined where a group is too small to know its spread. */
  readonly interval: Interval | undefined;
  /** Two-sided probability of a difference at least as large if there were none. */
  readonly pValue: number | undefined;
  readonly degreesOfFreedom: number | undefined;
}

/** Of all intervals. */
const CONFIDENCE = 0.95;

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the mean of nothing');
  return sum(values) / values.length;
}

/** Square root of the unbiased variance; undefined for fewer than two values. */
export function sampleDeviation(values: readonly number[]): number | undefined {
  if (values.length < 2) return undefined;
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/** @returns undefined for no values at all */
export function describeSample(values: readonly number[]): Sample | undefined {
  if (values.length === 0) return undefined;
  return { n: values.length, mean: mean(values), deviation: sampleDeviation(values) };
}

/** Student's t interval for the mean; undefined for a single measurement. */
export function meanInterval(sample: Sample): Interval | undefined {
  if (sample.deviation === undefined) return undefined;
  return around(sample.mean, standardError(sample), sample.n - 1);
}

/** A group against a number without a spread of its own, such as one published result. */
export function compareWithConstant(sample: Sample, constant: number): Difference {
  const difference = sample.mean - constant;
  if (sample.deviation === undefined) return withoutSpread(difference);
  return judged(difference, standardError(sample), sample.n - 1);
}

/** Two independent groups with spreads of their own (Welch, 1947). */
export function compareIndependent(a: Sample, b: Sample): Difference {
  const difference = a.mean - b.mean;
  if (a.deviation === undefined || b.deviation === undefined) return withoutSpread(difference);
  const va = a.deviation ** 2 / a.n;
  const vb = b.deviation ** 2 / b.n;
  const degrees =
    va + vb === 0 ? a.n + b.n - 2 : (va + vb) ** 2 / (va ** 2 / (a.n - 1) + vb ** 2 / (b.n - 1));
  return judged(difference, Math.sqrt(va + vb), degrees);
}

/**
 * Two groups whose members belong together one by one, such as runs of two recipes with the same
 * seeds.
 * @throws RangeError if their lengths differ
 */
export function comparePaired(a: readonly number[], b: readonly number[]): Difference {
  if (a.length !== b.length) throw new RangeError('pairs need two groups of one length');
  const sample = describeSample(a.map((value, index) => value - b[index]!));
  if (!sample) throw new RangeError('no pairs to compare');
  return compareWithConstant(sample, 0);
}

/** Standard error of an error rate from counting alone: sqrt(p(1 − p)/n), p a fraction. */
export function countingError(fraction: number, images: number): number {
  return Math.sqrt((fraction * (1 - fraction)) / images);
}

function standardError({ deviation = 0, n }: Sample): number {
  return deviation / Math.sqrt(n);
}

function withoutSpread(difference: number): Difference {
  return { difference, interval: undefined, pValue: undefined, degreesOfFreedom: undefined };
}

function judged(difference: number, error: number, degreesOfFreedom: number): Difference {
  const interval = around(difference, error, degreesOfFreedom);
  // Equal measurements throughout leave no doubt, whichever way.
  const pValue =
    error === 0
      ? difference === 0
        ? 1
        : 0
      : 2 * (1 - tProbability(Math.abs(difference / error), degreesOfFreedom));
  return { difference, interval, pValue, degreesOfFreedom };
}

function around(center: number, error: number, degrees: number): Interval {
  const reach = error === 0 ? 0 : error * tQuantile((1 + CONFIDENCE) / 2, degrees);
  return { low: center - reach, high: center + reach };
}

/** Probability that Student's t with so many degrees of freedom is at most t. */
export function tProbability(t: number, degreesOfFreedom: number): number {
  const x = degreesOfFreedom / (degreesOfFreedom + t * t);
  const tail = regularizedBeta(x, degreesOfFreedom / 2, 0.5) / 2;
  return t > 0 ? 1 - tail : tail;
}

/**
 * The t below which Student's distribution has this probability, to about twelve digits.
 * @param probability between 0 and 1, both excluded
 */
export function tQuantile(probability: number, degreesOfFreedom: number): number {
  if (!(probability > 0 && probability < 1) || !(degreesOfFreedom > 0)) {
    throw new RangeError('a quantile needs 0 < p < 1 and positive degrees of freedom');
  }
  if (probability < 0.5) return -tQuantile(1 - probability, degreesOfFreedom);
  let low = 0;
  let high = 1;
  while (tProbability(high, degreesOfFreedom) < probability) high *= 2;
  // Bisection to the last bit: the distribution is monotone, and this is not called in a loop.
  for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2) {
    if (tProbability(middle, degreesOfFreedom) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** I_x(a, b), by the continued fraction on the side where it converges fast. */
function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const logFactor =
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x);
  return x < (a + 1) / (a + b + 2)
    ? (Math.exp(logFactor) * betaFraction(x, a, b)) / a
    : 1 - (Math.exp(logFactor) * betaFraction(1 - x, b, a)) / b;
}

/** Lentz's method for the continued fraction of the incomplete beta function. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const away = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const change = d * c;
    result *= change;
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return result;
}

/** Lanczos' approximation (g = 7, nine terms) for positive arguments. */
function logGamma(z: number): number {
  if (z < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * z)) - logGamma(1 - z);
  const x = z - 1;
  let sum = LANCZOS[0]!;
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i]! / (x + i);
  const t = x + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (x + 0.5) * Math.log(t) - t + Math.log(sum);
}

const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406,
  12.507343278686905, -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];
