// A progress bar in one line, made to fit: what matters least goes first when the terminal is
// narrow, then the bar itself shrinks.

/**
 * @param fraction done, 0 to 1
 * @param fields what stands beside the bar, most important first
 * @returns at most `width` characters
 */
export function barLine(
  title: string,
  fraction: number,
  fields: readonly string[],
  width: number,
): string {
  const percent = `${Math.floor(100 * Math.min(1, Math.max(0, fraction)))}%`.padStart(4);
  for (let kept = fields.length; kept >= 0; kept--) {
    const rest = ['', ...fields.slice(0, kept)].join('  ');
    const room = width - title.length - percent.length - rest.length - 4;
    if (room >= MINIMUM_BAR) {
      return `${title} [${bar(fraction, Math.min(MAXIMUM_BAR, room))}]${percent}${rest}`;
    }
  }
  return `${title}${percent}`.slice(0, width);
}

const MINIMUM_BAR = 8;
const MAXIMUM_BAR = 24;

function bar(fraction: number, length: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * length);
  return '='.repeat(full) + '.'.repeat(length - full);
}

/** Lets an action through at most so many times a second, and the last one always on `force`. */
export function throttle(perSecond: number, now: () => number = () => performance.now()) {
  let last = Number.NEGATIVE_INFINITY;
  return (force = false): boolean => {
    const time = now();
    if (!force && time - last < 1000 / perSecond) return false;
    last = time;
    return true;
  };
}
