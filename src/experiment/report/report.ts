// A folder of runs to a report, and a report to text in any of its formats or to a folder of files.

import { createNetwork } from '../../nn/network.ts';
import type { FileSystem } from '../../runs/file-system.ts';
import { writeAtomically, writeError } from '../../runs/file-system.ts';
import type { RunHost } from '../../runs/run.ts';
import { sealJson } from '../../runs/sealed-json.ts';
import { jsonText } from '../../util/foreign-text.ts';
import { fileError } from '../../util/system-errors.ts';
import type { CellView } from '../cells.ts';
import { layerResponses } from '../responses.ts';
import { buildReport } from './build.ts';
import { collectRuns } from './collect.ts';
import { configurationName, configurationOf } from './configurations.ts';
import { reportCsv, runsCsv } from './csv.ts';
import type { Report, ReportRow } from './data.ts';
import { figuresOf } from './figures.ts';
import { type HtmlOptions, reportHtml } from './html.ts';
import { reportMarkdown } from './markdown.ts';
import { reportText } from './text.ts';

export const REPORT_FORMATS = ['text', 'markdown', 'csv', 'json', 'html'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface ReportOptions {
  /** Compute layer responses from the weights (default true); they take reading a file a row. */
  readonly responses?: boolean;
}

/**
 * Reads a folder of runs.
 * @throws UserError if there are none
 */
export async function readReport(
  host: RunHost,
  folder: string,
  { responses = true }: ReportOptions = {},
): Promise<Report> {
  const { plan, views, runs, unreadable } = await collectRuns(host, folder);
  const built = buildReport(runs, plan?.settings.data ?? 'unknown data', {
    now: host.self.now(),
  });
  const report = { ...built, notes: [...unreadable, ...built.notes] };
  if (!responses) return report;
  const rows: ReportRow[] = [];
  const notes: string[] = [...report.notes];
  for (const row of report.rows) {
    try {
      rows.push(await withResponses(row, views));
    } catch (error) {
      rows.push(row);
      const { message } = fileError(error, { path: folder, doing: 'read' });
      notes.push(`Without layer responses of ${row.name}: ${message}`);
    }
  }
  return { ...report, rows, notes };
}

async function withResponses(row: ReportRow, views: readonly CellView[]): Promise<ReportRow> {
  const first = row.runs.find(({ state }) => state === 'finished');
  const run = views.find(({ dir }) => first && dir.endsWith(`/${first.folder}`))?.run;
  if (!run) return row;
  const { weights } = await run.readWeights('last');
  return { ...row, responses: layerResponses(createNetwork(run.config.arch, run.config), weights) };
}

/** @param width of the terminal that the text is for */
export function formatReport(report: Report, format: ReportFormat, width?: number): string {
  switch (format) {
    case 'text':
      return reportText(report, width);
    case 'markdown':
      return reportMarkdown(report);
    case 'csv':
      return reportCsv(report);
    case 'json':
      return `${jsonText(report, 1)}\n`;
    case 'html':
      return reportHtml(report);
    default:
      throw new Error(`unknown format ${format satisfies never}`);
  }
}

/**
 * Writes everything: report.{txt,md,csv,json,html}, runs.csv, figures and configurations.
 * @param options where the page's links to run folders lead
 * @returns the page's path
 */
export async function writeReport(
  files: FileSystem,
  folder: string,
  report: Report,
  options: HtmlOptions = {},
): Promise<string> {
  const figures = figuresOf(report);
  const described = report.rows.filter(({ config }) => config !== undefined);
  const contents: [string, string][] = [
    ['report.txt', reportText(report)],
    ['report.md', reportMarkdown(report, figures)],
    ['report.csv', reportCsv(report)],
    ['runs.csv', runsCsv(report)],
    ['report.json', formatReport(report, 'json')],
    ...figures.map(({ id, svg }): [string, string] => [`${id}.svg`, svg]),
    ...(await Promise.all(
      described.map(
        async (row): Promise<[string, string]> => [
          configurationName(row),
          await sealJson(configurationOf(row)),
        ],
      ),
    )),
    ['report.html', reportHtml(report, options)],
  ];
  await files.makeFolder(folder).catch((error: unknown) => {
    throw writeError(error, folder);
  });
  for (const [name, content] of contents) {
    await writeAtomically(files, `${folder}/${name}`, content);
  }
  return `${folder}/report.html`;
}
