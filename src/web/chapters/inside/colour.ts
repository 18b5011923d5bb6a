// Colours of numbers: zero is the page itself, positive values go to blue and negative ones to orange,
// darker or lighter with their size, so that both themes show the same and nobody needs to tell red from
// green. Maps without negative values use one half of it.

export type Theme = 'light' | 'dark';

/** Zero, half way and full, for each sign. Lightness rises or falls all the way from zero on. */
const STOPS: Readonly<Record<Theme, { zero: string; positive: string[]; negative: string[] }>> = {
  light: {
    zero: '#f3f3ef',
    positive: ['#6aaed6', '#08306b'],
    negative: ['#f0975a', '#7a2500'],
  },
  dark: {
    zero: '#202429',
    positive: ['#2f7fb8', '#d6efff'],
    negative: ['#b8602a', '#ffe3cc'],
  },
};

/** Steps of the scale to each side of zero. */
const STEPS = 127;

const tables = new Map<Theme, Uint8ClampedArray>();

/** Red, green, blue of −STEPS … STEPS. */
function tableOf(theme: Theme): Uint8ClampedArray {
  const known = tables.get(theme);
  if (known) return known;
  const { zero, positive, negative } = STOPS[theme];
  const table = new Uint8ClampedArray(3 * (2 * STEPS + 1));
  for (let step = -STEPS; step <= STEPS; step++) {
    const stops = [zero, ...(step < 0 ? negative : positive)].map(channels);
    table.set(between(stops, Math.abs(step) / STEPS), 3 * (step + STEPS));
  }
  tables.set(theme, table);
  return table;
}

function channels(hex: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

function between(stops: readonly number[][], part: number): number[] {
  const at = part * (stops.length - 1);
  const index = Math.min(Math.floor(at), stops.length - 2);
  const [from, to] = [stops[index]!, stops[index + 1]!];
  return from.map((value, i) => value + (to[i]! - value) * (at - index));
}

/**
 * Writes the colours of numbers into an image.
 * @param limit what has the full colour; what is beyond has it, too
 * @param place of the first pixel; the others follow in rows of `width`, one row each `stride` pixels
 */
export function paint(
  pixels: Uint8ClampedArray,
  values: ArrayLike<number>,
  limit: number,
  theme: Theme,
  at: { readonly place?: number; readonly width?: number; readonly stride?: number } = {},
): void {
  const { place = 0, width = values.length, stride = width } = at;
  const table = tableOf(theme);
  for (let i = 0; i < values.length; i++) {
    const to = 4 * (place + Math.floor(i / width) * stride + (i % width));
    const from = 3 * (stepOf(values[i]!, limit) + STEPS);
    pixels[to] = table[from]!;
    pixels[to + 1] = table[from + 1]!;
    pixels[to + 2] = table[from + 2]!;
    pixels[to + 3] = 255;
  }
}

/** A CSS colour of one number. */
export function colourOf(value: number, limit: number, theme: Theme): string {
  const from = 3 * (stepOf(value, limit) + STEPS);
  return `rgb(${[...tableOf(theme).subarray(from, from + 3)].join(' ')})`;
}

/** Of words on a field of that colour: black or white, whichever is further from it. */
export function inkOn(value: number, limit: number, theme: Theme): string {
  const from = 3 * (stepOf(value, limit) + STEPS);
  const [red, green, blue] = [...tableOf(theme).subarray(from, from + 3)].map(linear);
  // Relative luminance (WCAG); at this one black and white have the same contrast.
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue! > 0.179 ? '#000000' : '#ffffff';
}

/** Of a channel's byte: sRGB without its curve. */
function linear(byte: number): number {
  const part = byte / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}

function stepOf(value: number, limit: number): number {
  const step = Math.round((value / limit) * STEPS);
  return Number.isNaN(step) ? 0 : Math.min(STEPS, Math.max(-STEPS, step));
}
