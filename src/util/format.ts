// How numbers look on the console and on the page, in one place: the same quantity has the same digits
// everywhere.

const DAY = 24 * 3600;

/** 75 → `1:15`, 3675 → `1:01:15`, beyond two days `36 days`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const total = Math.max(0, Math.round(seconds));
  if (total >= 2 * DAY) return `${formatCount(Math.round(total / DAY))} days`;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const tail = String(total % 60).padStart(2, '0');
  if (hours === 0) return `${minutes}:${tail}`;
  return `${hours}:${String(minutes).padStart(2, '0')}:${tail}`;
}

/** 0.0875 → `8.75 %`. */
export function formatPercent(fraction: number, digits = 2): string {
  return `${(100 * fraction).toFixed(digits)} %`;
}

/** 3 significant digits below 100, none after the point above. */
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return '?';
  return perSecond < 100 ? perSecond.toPrecision(3) : String(Math.round(perSecond));
}

/** 0.1 → `0.1`, 0.010000000000000002 → `0.01`. */
export function formatLearningRate(rate: number): string {
  return String(Number(rate.toPrecision(6)));
}

/** A loss: four digits after the point, unless it has grown beyond what anybody reads. */
export function formatLoss(loss: number): string {
  return Math.abs(loss) < 100_000 ? loss.toFixed(4) : loss.toExponential(3);
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** 1536 → `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `1 image`, `2 images`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
