// The range of a number: checked, and said in words, in the same way for a command line, a file and a
// form.

export interface Bounds {
  /** Smallest value that is allowed. */
  readonly minimum?: number;
  /** Largest value that is allowed. */
  readonly maximum?: number;
  /** The value must be larger than this. */
  readonly above?: number;
  /** The value must be smaller than this. */
  readonly below?: number;
}

export function isWithin(value: number, { minimum, maximum, above, below }: Bounds): boolean {
  return (
    !Number.isNaN(value) &&
    !(minimum !== undefined && value < minimum) &&
    !(maximum !== undefined && value > maximum) &&
    !(above !== undefined && value <= above) &&
    !(below !== undefined && value >= below)
  );
}

/** `at least 0 and below 1`; empty where every number is allowed. */
export function boundsText({ minimum, maximum, above, below }: Bounds): string {
  const parts = [
    minimum === undefined ? [] : [`at least ${minimum}`],
    above === undefined ? [] : [`above ${above}`],
    maximum === undefined ? [] : [`at most ${maximum}`],
    below === undefined ? [] : [`below ${below}`],
  ];
  return parts.flat().join(' and ');
}
