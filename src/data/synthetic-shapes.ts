// The ten classes of the synthetic data set, as signed distances: negative inside, positive outside,
// in units of the object's radius, with the origin near its middle. A distance rather than a mask
// gives soft edges at any size and rotation.

/** Distance from a point (u to the right, v downwards) to the outline. */
export type SignedDistance = (u: number, v: number) => number;

const disc = (u: number, v: number, radius: number) => Math.sqrt(u * u + v * v) - radius;

/** Rectangle with half extents a × b (a bound of the distance outside its corners). */
const box = (u: number, v: number, a: number, b: number) =>
  Math.max(Math.abs(u) - a, Math.abs(v) - b);

function triangle(u: number, v: number): number {
  const slope = 0.8660254; // sin 60°
  return Math.max(v, -0.5 * v + slope * u, -0.5 * v - slope * u) - 0.52;
}

function star(u: number, v: number): number {
  // Five points: fold the plane into half a point, whose edge is one straight line.
  const sector = Math.PI / 5;
  const angle = Math.atan2(u, -v) + 2 * Math.PI;
  const folded = Math.abs(((angle + sector) % (2 * sector)) - sector);
  const radius = Math.sqrt(u * u + v * v);
  const x = radius * Math.cos(folded);
  const y = radius * Math.sin(folded);
  const [tip, notch] = [1.1, 0.45];
  const dx = notch * Math.cos(sector) - tip;
  const dy = notch * Math.sin(sector);
  return ((x - tip) * dy - y * dx) / Math.sqrt(dx * dx + dy * dy);
}

function crescent(u: number, v: number): number {
  return Math.max(disc(u, v, 0.95), -disc(u - 0.5, v, 0.75));
}

function arrow(u: number, v: number): number {
  const shaft = box(u + 0.4, v, 0.6, 0.2);
  const head = Math.max(0.1 - u, (Math.abs(v) - 0.83 * (1 - u)) / 1.3);
  return Math.min(shaft, head);
}

function heart(u: number, v: number): number {
  // A square on its corner with a half disc on each upper side.
  const half = 0.55;
  const p = (u - (v + 0.1)) * Math.SQRT1_2;
  const q = (-u - (v + 0.1)) * Math.SQRT1_2;
  return Math.min(box(p, q, half, half), disc(p - half, q, half), disc(p, q - half, half));
}

/** Class names and outlines, in label order. */
export const SHAPES: readonly { readonly name: string; readonly distance: SignedDistance }[] = [
  { name: 'circle', distance: (u, v) => disc(u, v, 0.85) },
  { name: 'square', distance: (u, v) => box(u, v, 0.75, 0.75) },
  { name: 'triangle', distance: triangle },
  { name: 'star', distance: star },
  { name: 'ring', distance: (u, v) => Math.abs(disc(u, v, 0.7)) - 0.22 },
  { name: 'cross', distance: (u, v) => Math.min(box(u, v, 0.95, 0.28), box(u, v, 0.28, 0.95)) },
  { name: 'crescent', distance: crescent },
  { name: 'arrow', distance: arrow },
  { name: 'heart', distance: heart },
  { name: 'bars', distance: (u, v) => box(u, Math.abs(v) - 0.5, 0.9, 0.22) },
];
