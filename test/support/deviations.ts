// Comparisons as data: what was compared, how far apart it is and how far it may be. A test expects
// that all are within their bounds; a page in a browser hands its list to the test; a script prints it.

export interface Deviation {
  readonly what: string;
  readonly value: number;
  /** The largest value that is right. */
  readonly bound: number;
}

/** Those that are too large, as text; NaN is. */
export function tooLarge(deviations: readonly Deviation[]): string[] {
  return deviations
    .filter(({ value, bound }) => !(value <= bound))
    .map(({ what, value, bound }) => `${what}: ${value}, at most ${bound}`);
}

/** ‖a − b‖ / ‖b‖; 0 where both are zero, as the gradients of frozen layers are. */
export function distance(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} values beside ${b.length}`);
  let difference = 0;
  let square = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    square += b[i]! ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / square);
}
