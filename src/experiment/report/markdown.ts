// The report as Markdown, for a repository: tables, and links to the figures and configurations that
// are written beside it.

import { markdownText } from '../../util/foreign-text.ts';
import type { Figure } from './chart.ts';
import { configurationName } from './configurations.ts';
import type { Report } from './data.ts';
import type { Table } from './table.ts';
import { detailTables, failures, machines, mainTable } from './tables.ts';

/** @param figures files `<id>.svg` beside the report; none where it stands alone */
export function reportMarkdown(report: Report, figures: readonly Figure[] = []): string {
  const failed = failures(report);
  const trainedOn = machines(report);
  const configured = report.rows.filter(({ config }) => config !== undefined);
  const sections = [
    `# ${markdownText(report.title)}`,
    layOut(mainTable(report)),
    report.notes.map(markdownText).join('\n\n'),
    ...figures.map(
      ({ id, caption }) => `![${markdownText(caption)}](${id}.svg)\n\n*${markdownText(caption)}*`,
    ),
    ...detailTables(report).map(({ title, table }) => section(title, table, report)),
    list(failed),
    trainedOn.length > 0 ? `## Trained on\n\n${list(trainedOn)}` : '',
    figures.length > 0 && configured.length > 0
      ? `## Configurations\n\n${configured.map((row) => `- [${markdownText(row.name)}](${configurationName(row)})`).join('\n')}`
      : '',
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

function section(title: string, table: Table | undefined, { dataNote }: Report): string {
  if (!table || table.rows.length === 0) return '';
  return `## ${title}\n\n${layOut(table)}\n\n*On ${markdownText(dataNote)}.*`;
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `- ${markdownText(line)}`).join('\n');
}

function layOut({ header, rows, left }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(markdownText).join(' | ')} |`;
  const rule = header.map((_, column) => (column < left ? '---' : '---:'));
  return [line(header), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}
