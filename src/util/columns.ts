// Text in columns: every table that is printed, on the console and in reports.

import { lineText } from './foreign-text.ts';

/**
 * Pads the cells of each column to one width, two spaces between columns.
 * @param alignRight which columns end at the same place instead of beginning there
 */
export function alignColumns(
  cells: readonly (readonly string[])[],
  alignRight: (column: number) => boolean,
): string {
  const table = cells.map((row) => row.map(lineText));
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? '').length)),
  );
  return table
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] as number;
          return alignRight(column) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
