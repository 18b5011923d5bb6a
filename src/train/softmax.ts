// Probabilities from logits, for people to read: float64, one row at a time. (The loss that trains
// is computed on the device.) Ties are always broken by the lower class index.

export interface RankedClass {
  readonly index: number;
  readonly probability: number;
}

/** Probabilities of one image's classes. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const largest = Math.max(...values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.exp(values[i]! - largest);
    sum += values[i]!;
  }
  return values.map((value) => value / sum);
}

/** -log softmax(logits)[label], exact also where the probability is too small for a number. */
export function crossEntropy(logits: ArrayLike<number>, label: number): number {
  const values = Array.from(logits);
  const largest = Math.max(...values);
  const sum = values.reduce((total, value) => total + Math.exp(value - largest), 0);
  return Math.log(sum) + largest - values[label]!;
}

/** Index of the largest logit. */
export function likeliest(logits: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) {
    if (logits[i]! > logits[best]!) best = i;
  }
  return best;
}

/** How many classes are likelier than this one: 0 for the likeliest. */
export function rankOf(logits: ArrayLike<number>, label: number): number {
  const own = logits[label]!;
  let rank = 0;
  for (let i = 0; i < logits.length; i++) {
    if (logits[i]! > own || (logits[i]! === own && i < label)) rank++;
  }
  return rank;
}

/** The `count` likeliest classes, likeliest first. */
export function rankClasses(logits: ArrayLike<number>, count: number): RankedClass[] {
  const probabilities = softmax(logits);
  return Array.from(probabilities, (probability, index) => ({ index, probability }))
    .sort((a, b) => b.probability - a.probability || a.index - b.index)
    .slice(0, count);
}
