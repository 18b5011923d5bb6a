// The report as one page that needs nothing else: no script, font or picture from elsewhere. It can be
// mailed, printed, and opened in ten years; its own script only sorts tables and shows values.

import { xmlText } from '../../util/foreign-text.ts';
import type { Figure } from './chart.ts';
import { configurationId, configurationOf } from './configurations.ts';
import type { Report, ReportRow, ReportRun } from './data.ts';
import { figuresOf, rowColors } from './figures.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import type { Table } from './table.ts';
import { detailTables, failures, machines, mainTable, RUNS_TITLE } from './tables.ts';

export interface HtmlOptions {
  /** Where a run's folder is from where the page will lie; without it they are named and not linked. */
  readonly linkTo?: (folder: string) => string;
}

export function reportHtml(report: Report, { linkTo }: HtmlOptions = {}): string {
  const title = xmlText(report.title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="about">${xmlText(aboutOf(report))}</p>
${mainHtml(report)}
${report.notes.map((note) => `<p class="note">${xmlText(note)}</p>`).join('\n')}
${failuresHtml(report)}
${figuresHtml(figuresOf(report))}
${detailTables(report)
  .map(({ title, table }) => section(title, table, report, linkTo))
  .join('\n')}
${confusionsHtml(report)}
${configurationsHtml(report)}
${machinesHtml(report)}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function aboutOf({ rows, created }: Report): string {
  const planned = rows.reduce((sum, row) => sum + row.planned, 0);
  const finished = rows.reduce((sum, row) => sum + row.states.finished, 0);
  return `${finished} of ${planned} runs finished. Written ${created.slice(0, 16).replace('T', ' ')} UTC by table6.`;
}

/** The table, with the colours of the curves, and the recipe leading to its configuration. */
function mainHtml(report: Report): string {
  const table = mainTable(report);
  const colors = rowColors(report);
  const link = (text: string, row: number, column: number) => {
    const { config, name } = report.rows[row]!;
    const color = colors.get(name);
    if (column === 0 && color !== undefined) {
      return `<span class="swatch" style="background:${color}"></span>${text}`;
    }
    return column === 1 && config ? `<a href="#${configurationId(name)}">${text}</a>` : text;
  };
  return tableHtml(
    table,
    `Test error in per cent on ${report.dataNote}${report.rows.some(({ reference }) => reference) ? "; others' on CIFAR-10" : ''}`,
    link,
  );
}

function section(
  title: string,
  table: Table | undefined,
  { dataNote, rows }: Report,
  linkTo: HtmlOptions['linkTo'],
): string {
  if (!table || table.rows.length === 0) return '';
  const runs = rows.flatMap((row) => row.runs);
  const link = (text: string, row: number, column: number) => {
    const run = title === RUNS_TITLE && column === 0 ? runs[row] : undefined;
    return run && linkTo ? `<a href="${xmlText(linkTo(run.folder))}">${text}</a>` : text;
  };
  const caption = `Errors in per cent on ${dataNote}`;
  return `<h2>${xmlText(title)}</h2>\n${tableHtml(table, caption, link)}`;
}

function tableHtml(
  { header, rows, left }: Table,
  caption: string,
  decorate = (text: string, _row: number, _column: number) => text,
): string {
  const side = (column: number) => (column < left ? ' class="left"' : '');
  const head = header.map((cell, i) => `<th scope="col"${side(i)}>${xmlText(cell)}</th>`).join('');
  const body = rows.map((cells, row) => {
    const tds = cells.map((cell, i) => `<td${side(i)}>${decorate(xmlText(cell), row, i)}</td>`);
    return `<tr>${tds.join('')}</tr>`;
  });
  // The caption stands outside of what scrolls: it names the data, and must be seen on a telephone.
  return `<p class="caption">${xmlText(caption)}</p>
<div class="wide" tabindex="0" role="region" aria-label="${xmlText(caption)}"><table class="sortable">
<thead><tr>${head}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table></div>`;
}

function failuresHtml(report: Report): string {
  const lines = failures(report);
  if (lines.length === 0) return '';
  const items = lines.map((line) => `<li>${xmlText(line)}</li>`).join('\n');
  return `<h2>Failed runs</h2>\n<p>Working on the table again tries them again.</p>\n<ul class="failed">\n${items}\n</ul>`;
}

function figuresHtml(figures: readonly Figure[]): string {
  if (figures.length === 0) return '';
  const items = figures.map(
    ({ id, svg, caption }) =>
      `<figure id="${id}">\n${svg}<figcaption>${xmlText(caption)}</figcaption>\n</figure>`,
  );
  return `<h2>Curves</h2>\n<div class="figures">\n${items.join('\n')}\n</div>`;
}

function confusionsHtml(report: Report): string {
  const evaluated = report.rows.flatMap(({ runs }) => runs.filter(({ evaluation }) => evaluation));
  if (evaluated.length === 0) return '';
  const items = evaluated.map((run) => confusionHtml(run, report));
  return `<h2>Confusion matrices</h2>\n<p>Final weights. Rows are the true class, columns what was predicted.</p>\n${items.join('\n')}`;
}

/** Larger ones would be a page of their own. */
const MOST_CLASSES = 20;

function confusionHtml({ folder, evaluation }: ReportRun, { dataNote }: Report): string {
  const { confusion, classes, images, wrong } = evaluation!;
  const title = `${folder}: ${wrong} of ${images} wrong`;
  if (classes.length > MOST_CLASSES) {
    return `<p>${xmlText(title)} (${classes.length} classes; see evaluation.json)</p>`;
  }
  const head = classes.map(({ name }) => `<th scope="col">${xmlText(name)}</th>`).join('');
  const rows = confusion.map((row, label) => {
    const all = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, predicted) => {
      const strength = all === 0 ? 0 : Math.round((100 * count) / all);
      const kind = predicted === label ? 'right' : 'wrong';
      return `<td class="${kind}" style="--share:${strength}%">${count === 0 ? '·' : count}</td>`;
    });
    return `<tr><th scope="row" class="left">${xmlText(classes[label]?.name ?? String(label))}</th>${cells.join('')}</tr>`;
  });
  return `<details>
<summary>${xmlText(title)}</summary>
<p class="caption">${xmlText(folder)} on the test images of ${xmlText(dataNote)}</p>
<div class="wide" tabindex="0" role="region" aria-label="Confusion matrix of ${xmlText(folder)}"><table class="confusion">
<thead><tr><td></td>${head}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>
</details>`;
}

function configurationsHtml({ rows }: Report): string {
  const configured = rows.filter((row): row is ReportRow => row.config !== undefined);
  if (configured.length === 0) return '';
  const items = configured.map(
    (row) =>
      `<details id="${configurationId(row.name)}">\n<summary>${xmlText(row.name)}</summary>\n<pre>${xmlText(`${JSON.stringify(configurationOf(row), null, 2)}\n`)}</pre>\n</details>`,
  );
  return `<h2>Configurations</h2>\n${items.join('\n')}`;
}

function machinesHtml(report: Report): string {
  const items = machines(report).map((line) => `<li>${xmlText(line)}</li>`);
  return items.length === 0 ? '' : `<h2>Trained on</h2>\n<ul>\n${items.join('\n')}\n</ul>`;
}
