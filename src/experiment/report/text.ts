// The report as plain text, for the terminal.

import { alignColumns } from '../../util/columns.ts';
import { lineText, terminalText } from '../../util/foreign-text.ts';
import type { Report } from './data.ts';
import type { Table } from './table.ts';
import { detailTables, failures, machines, mainTable, shortTable } from './tables.ts';

/** @param width of a line of sentences, and of a terminal where there is one */
export function reportText(report: Report, width?: number): string {
  const trainedOn = machines(report);
  const sections = [
    `${wrap(lineText(report.title), width ?? 100)}\n\n${layOut(mainTable(report), width)}`,
    report.notes.map((note) => wrap(note, Math.min(100, width ?? 100))).join('\n'),
    ...detailTables(report).map(({ title, table }) => section(title, table, width)),
    failures(report).join('\n'),
    trainedOn.length > 0
      ? `Trained on\n${trainedOn.map((line) => wrap(line, Math.min(100, width ?? 100))).join('\n')}`
      : '',
  ];
  return terminalText(`${sections.filter((text) => text !== '').join('\n\n')}\n`);
}

/** The table alone, for an overview. */
export function tableText(report: Report): string {
  return layOut(shortTable(report));
}

function section(title: string, table: Table | undefined, width?: number): string {
  return table && table.rows.length > 0
    ? `${wrap(title, width ?? 100)}\n${layOut(table, width)}`
    : '';
}

/** In columns; where these are wider than the terminal each row by itself, a line a cell. */
function layOut({ header, rows, left }: Table, width = Infinity): string {
  const text = alignColumns([header, ...rows], (column) => column >= left);
  if (Math.max(...text.split('\n').map((line) => line.length)) <= width) return text;
  const label = Math.max(...header.map((head) => head.length));
  return rows
    .map((cells) =>
      cells
        .flatMap((cell, column) => {
          const [first = '', ...more] = wrap(lineText(cell), width - label - 2).split('\n');
          const lines = [`${(header[column] ?? '').padEnd(label)}  ${first}`, ...more];
          return lines.map((line, i) =>
            (i === 0 ? line : `${' '.repeat(label + 2)}${line}`).trimEnd(),
          );
        })
        .join('\n'),
    )
    .join('\n\n');
}

function wrap(text: string, width: number): string {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}
