// Tables and numbers as the benchmarks print them.

/** A table; columns of numbers are aligned to the right. */
export function markdownTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const isNumber = (column: number) =>
    column > 0 && rows.every((row) => /^([\d.,e+×%\s-]|MiB)*$/.test(row[column] ?? ''));
  const rule = heads.map((_, column) => (isNumber(column) ? '--:' : '---'));
  return [line(heads), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const [low, high] = [sorted.length - 1, sorted.length].map((i) => sorted[Math.floor(i / 2)]!);
  return (low! + high!) / 2;
}

/** Images a second; nothing for what was not measured. */
export function formatRate(rate: number | undefined): string {
  if (rate === undefined) return '';
  return rate < 10 ? rate.toPrecision(3) : Math.round(rate).toLocaleString('en');
}

/** a / b, such as `1.25 ×`. */
export function formatRatio(a: number | undefined, b: number | undefined): string {
  return a === undefined || !b ? '' : `${(a / b).toFixed(2)} ×`;
}

export function formatDeviation(value: number): string {
  return value === 0 ? '0' : value.toExponential(1);
}

/** A fraction. */
export function formatError(error: number | undefined): string {
  return error === undefined ? '' : `${(100 * error).toFixed(2)} %`;
}

export function formatMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20).toLocaleString('en')} MiB`;
}
