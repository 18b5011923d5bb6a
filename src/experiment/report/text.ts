// The report as plain text, for the terminal.

import { alignColumns } from '../../util/columns.ts';
import { lineText, terminalText } from '../../util/foreign-text.ts';
import type { Report } from './data.ts';
import type { Table } from './table.ts';
import { detailTables, failures, machines, mainTable, shortTable } from './tables.ts';

export function reportText(report: Report): string {
  const trainedOn = machines(report);
  const sections = [
    `${lineText(report.title)}\n\n${layOut(mainTable(report))}`,
    report.notes.map((note) => wrap(note, 100)).join('\n'),
    ...detailTables(report).map(({ title, table }) => section(title, table)),
    failures(report).join('\n'),
    trainedOn.length > 0
      ? `Trained on\n${trainedOn.map((line) => wrap(line, 100)).join('\n')}`
      : '',
  ];
  return terminalText(`${sections.filter((text) => text !== '').join('\n\n')}\n`);
}

/** The table alone, for an overview. */
export function tableText(report: Report): string {
  return layOut(shortTable(report));
}

function section(title: string, table: Table | undefined): string {
  return table && table.rows.length > 0 ? `${title}\n${layOut(table)}` : '';
}

function layOut({ header, rows, left }: Table): string {
  return alignColumns([header, ...rows], (column) => column >= left);
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
