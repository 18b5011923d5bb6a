// How sizes that span many powers of ten are drawn and written.

export interface LogScale {
  /** Whole powers of ten at the ends. */
  readonly low: number;
  readonly high: number;
  /** Powers of ten with a line of the grid, at most eight. */
  readonly ticks: readonly number[];
}

/** A scale that holds all values, and at least a hundredth to a hundred. */
export function logScale(values: readonly number[]): LogScale {
  const powers = values.filter((value) => value > 0).map(Math.log10);
  const low = Math.floor(Math.min(-2, ...powers));
  const high = Math.ceil(Math.max(2, ...powers));
  const step = Math.ceil((high - low) / 7);
  const ticks: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(tick);
  return { low, high, ticks };
}

/** Where a value lies on the scale, from 0 to 1. */
export function placeOn({ low, high }: LogScale, value: number): number {
  return value > 0 ? Math.max(0, (Math.log10(value) - low) / (high - low)) : 0;
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** 10⁻³ */
export function powerOfTen(power: number): string {
  const digits = [...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[Number(digit)]).join('');
  return `10${power < 0 ? '⁻' : ''}${digits}`;
}

/** Two digits: 0.45, 17, 3.1 × 10⁵; values below a thousandth and from ten thousand on as powers. */
export function formatSize(value: number): string {
  if (value === 0) return '0';
  const [digits = '', exponent = ''] = value.toExponential(1).split('e');
  const power = Number(exponent);
  if (power < -3 || power > 3) return `${digits} × ${powerOfTen(power)}`;
  return String(Number(value.toPrecision(2)));
}
