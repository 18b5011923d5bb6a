// A table as plain text. Where its columns are wider than the terminal, what is the same in all rows is said once
// below it, and words and headings are broken into several lines; where even that is too wide, each row stands
// by itself, a line a cell.

import { alignColumns } from '../../util/columns.ts';
import { lineText } from '../../util/foreign-text.ts';
import type { Table } from './table.ts';

export function textTable(table: Table, width = Infinity): string {
  const text = alignColumns([table.header, ...table.rows], (column) => column >= table.left);
  if (widest(text.split('\n')) <= width) return text;
  const { differing, common } = withoutCommon(table);
  const narrow = broken(differing, width);
  if (narrow === undefined) return rowByRow(table, width);
  if (common.length === 0) return narrow;
  return `${narrow}\n${wrapText(`In all rows: ${common.join('; ')}.`, width)}`;
}

/** Breaks text at spaces. */
export function wrapText(text: string, width: number): string {
  return wrapped(text, width).join('\n');
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(({ length }) => length));
}

/** Takes out the columns that say the same in every row, as `parameters 75,290`. */
function withoutCommon({ header, rows, left }: Table): { differing: Table; common: string[] } {
  const isCommon = header.map(
    (_, i) => rows.length > 1 && new Set(rows.map((row) => row[i])).size < 2,
  );
  const kept = (cells: readonly string[]) => cells.filter((_, i) => !isCommon[i]);
  return {
    differing: {
      header: kept(header),
      rows: rows.map(kept),
      left: isCommon.filter((is, i) => i < left && !is).length,
    },
    common: header.flatMap((head, i) => (isCommon[i] ? [`${head} ${lineText(rows[0]![i]!)}`] : [])),
  };
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each + 2, -2);
}

/** @returns undefined where the longest words and the numbers are too wide */
function broken({ header, rows, left }: Table, width: number): string | undefined {
  const table = [header, ...rows.map((cells) => cells.map(lineText))];
  const widthsOf = (isBroken: (row: number, column: number) => boolean) =>
    header.map((_, column) =>
      widest(
        table.flatMap((cells, row) =>
          isBroken(row, column) ? cells[column]!.split(' ') : cells[column]!,
        ),
      ),
    );
  // Numbers are read below one another, so only words and headings are broken.
  const least = widthsOf((row, column) => row === 0 || column < left);
  const widths = widthsOf((row, column) => row === 0 && column >= left);
  while (total(widths) > width) {
    // The widest column of those that can be narrower.
    const room = widths.map((each, column) => (each > least[column]! ? each : 0));
    const most = Math.max(...room);
    if (most === 0) return undefined;
    widths[room.indexOf(most)] = most - 1;
  }
  const lines = table.flatMap((cells) => {
    const parts = cells.map((cell, column) => wrapped(cell, widths[column]!));
    const height = Math.max(...parts.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) => parts.map((part) => part[line] ?? ''));
  });
  return alignColumns(lines, (column) => column >= left);
}

function rowByRow({ header, rows }: Table, width: number): string {
  const label = widest(header);
  const cellLines = (cell: string, column: number) =>
    wrapped(lineText(cell), width - label - 2).map((line, i) =>
      `${(i === 0 ? header[column]! : '').padEnd(label)}  ${line}`.trimEnd(),
    );
  return rows.map((cells) => cells.flatMap(cellLines).join('\n')).join('\n\n');
}
