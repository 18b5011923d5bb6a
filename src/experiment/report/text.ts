// The report as plain text, for the terminal.

import { lineText, terminalText } from '../../util/foreign-text.ts';
import type { Report } from './data.ts';
import type { Table } from './table.ts';
import { detailTables, failures, machines, mainTable, shortTable } from './tables.ts';
import { textTable, wrapText } from './text-table.ts';

/** @param width of a line of sentences, and of a terminal where there is one */
export function reportText(report: Report, width?: number): string {
  const trainedOn = machines(report);
  const sections = [
    `${wrapText(lineText(report.title), width ?? 100)}\n\n${textTable(mainTable(report), width)}`,
    report.notes.map((note) => wrapText(note, Math.min(100, width ?? 100))).join('\n'),
    ...detailTables(report).map(({ title, table }) => section(title, table, width)),
    failures(report).join('\n'),
    trainedOn.length > 0
      ? `Trained on\n${trainedOn.map((line) => wrapText(line, Math.min(100, width ?? 100))).join('\n')}`
      : '',
  ];
  return terminalText(`${sections.filter((text) => text !== '').join('\n\n')}\n`);
}

/** The table alone, for an overview. */
export function tableText(report: Report): string {
  return textTable(shortTable(report));
}

function section(title: string, table: Table | undefined, width?: number): string {
  return table && table.rows.length > 0
    ? `${wrapText(title, width ?? 100)}\n${textTable(table, width)}`
    : '';
}
