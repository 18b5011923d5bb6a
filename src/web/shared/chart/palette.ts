// Colours of runs that stay: a run keeps its colour while others are shown and hidden, and mostly over
// reloads, because its name chooses it. Where another run has that colour already, it takes the next free
// one; past eight runs, lines of one colour differ in their dashes.

/** Of style.css, so that they fit light and dark. */
const COLORS = Array.from({ length: 8 }, (_, i) => `var(--series-${i + 1})`);
const DASHES: readonly (readonly number[])[] = [[], [6, 4], [2, 3], [8, 3, 2, 3]];

export interface LineLook {
  /** A CSS colour; a variable of style.css. */
  readonly color: string;
  /** Lengths of dashes and gaps in pixels; none for a full line. */
  readonly dash: readonly number[];
}

const places = new Map<string, number>();

/** How the line of a run looks, in every chart. */
export function lookOf(id: string): LineLook {
  let place = places.get(id);
  if (place === undefined) {
    place = freePlace(id, new Set(places.values()));
    places.set(id, place);
  }
  return lookAt(place);
}

/** The looks in their order, for lines that are not runs (training and test error of one). */
export function lookAt(place: number): LineLook {
  const round = Math.floor(place / COLORS.length);
  return { color: COLORS[place % COLORS.length]!, dash: DASHES[round % DASHES.length]! };
}

/** The place that the name chooses, else the next one, in the first round of colours that has one free. */
export function freePlace(id: string, taken: ReadonlySet<number>): number {
  const wanted = hash(id) % COLORS.length;
  for (let round = 0; ; round++) {
    for (let i = 0; i < COLORS.length; i++) {
      const place = round * COLORS.length + ((wanted + i) % COLORS.length);
      if (!taken.has(place)) return place;
    }
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return value;
}
