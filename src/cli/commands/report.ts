// `table6 report`: the table of a folder of runs, in any format.

import path from 'node:path';
import { unfinished, waitForRuns } from '../../cluster/unfinished.ts';
import { PLAN, type Plan } from '../../experiment/plan.ts';
import { readPlan } from '../../experiment/plan-folder.ts';
import {
  formatReport,
  REPORT_FORMATS,
  readReport,
  writeReport,
} from '../../experiment/report/report.ts';
import { isRun } from '../../runs/reader.ts';
import { trimSlash } from '../../runs/run.ts';
import { nodeHost } from '../../runs/runs.node.ts';
import { defineCommand } from '../command.ts';
import { print, printBeside, printJson } from '../console/print.ts';
import { usageError } from '../options.ts';
import { jsonOption } from '../session/common-options.ts';
import { linksFrom } from '../session/output.ts';
import { withRepeat } from '../session/repeat-row.ts';
import { choice, flag, number, text } from '../values.ts';

const REPRODUCED = 'runs/table6';
const RUNS = 'runs';

export const report = defineCommand({
  description:
    'Reads what table6 reproduce (or table6 train) left in a folder: means and deviations over seeds, differences from the paper, every run by itself, curves, confusion matrices. Missing and failed runs are shown as such. Running ones are read as far as they are.',
  arguments: [
    {
      name: 'FOLDER',
      help: `a folder with a plan or with run folders, or one run (default ${REPRODUCED}, else ${RUNS})`,
      required: false,
    },
  ],
  options: {
    format: choice(REPORT_FORMATS, { help: 'What to print', initial: 'text' }),
    output: text({
      help: 'Write all formats, figures (SVG) and configurations into this folder instead',
      short: 'o',
      placeholder: '<folder>',
    }),
    complete: flag({
      help: "Name the plan's runs that are not finished, and exit with 1 if there are any",
    }),
    wait: number({
      help: 'Wait until every run of the plan is finished or has failed for good, at most so many hours, before anything is read',
      placeholder: '<hours>',
      minimum: 0,
    }),
    json: jsonOption,
  },
  examples: [
    { command: 'report', help: 'The table, on the terminal' },
    { command: 'report runs/table6 --output docs/results/mine', help: 'Page, Markdown, CSV, SVG' },
    { command: 'report runs/resnet20-seed1 -o plots', help: 'One run, with its curves' },
    { command: 'report runs/table6 --format csv', help: 'For a spreadsheet' },
    { command: 'report runs/table6 --complete', help: 'Is the table finished? For a script' },
  ],
  async run({ values, positionals }) {
    const asked = trimSlash(positionals[0] ?? (await defaultFolder()));
    const { complete, wait } = values;
    if (wait !== undefined) await waitForRuns(nodeHost, await planOf(asked), asked, wait);
    const read = await readReport(nodeHost, asked);
    const runs = (await isRun(nodeHost.files, asked)) ? path.dirname(asked) : asked;
    if (values.output === undefined) {
      if (values.json) printJson(JSON.parse(formatReport(read, 'json')));
      else
        print(
          formatReport(withRepeat(read, runs), values.format, process.stdout.columns).trimEnd(),
        );
    } else {
      const output = trimSlash(values.output);
      const linkTo = linksFrom(output, runs);
      const page = await writeReport(nodeHost.files, output, withRepeat(read), { linkTo });
      if (values.json) printJson({ page });
      else print(page);
    }
    const left = complete ? await unfinished(nodeHost, await planOf(asked), asked) : [];
    for (const line of left) printBeside(`not finished: ${line}`);
    return left.length > 0 ? 1 : 0;
  },
});

async function planOf(folder: string): Promise<Plan> {
  const plan = await readPlan(nodeHost.files, folder);
  if (plan) return plan;
  throw usageError(
    'report',
    `--complete and --wait ask about the runs of a plan, and "${folder}" has no ${PLAN}`,
  );
}

async function defaultFolder(): Promise<string> {
  return (await readPlan(nodeHost.files, REPRODUCED)) ? REPRODUCED : RUNS;
}
