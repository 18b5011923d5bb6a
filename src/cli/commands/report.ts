// `table6 report`: the table of a folder of runs, in any format.

import { readPlan } from '../../experiment/plan-folder.ts';
import {
  formatReport,
  REPORT_FORMATS,
  readReport,
  writeReport,
} from '../../experiment/report/report.ts';
import { trimSlash } from '../../runs/run.ts';
import { nodeHost } from '../../runs/runs.node.ts';
import { defineCommand } from '../command.ts';
import { jsonOption } from '../session/common-options.ts';
import { printJson } from '../session/output.ts';
import { choice, text } from '../values.ts';

const REPRODUCED = 'runs/table6';
const RUNS = 'runs';

export const report = defineCommand({
  name: 'report',
  summary: 'The table paper | ours of a folder of runs, with curves',
  description:
    'Reads what table6 reproduce (or table6 train) left in a folder: means and deviations over seeds, differences from the paper, every run by itself, curves, confusion matrices. Missing and failed runs are shown as such. Running ones are read as far as they are.',
  arguments: [
    {
      name: 'FOLDER',
      help: `a folder with a plan or with run folders (default ${REPRODUCED}, else ${RUNS})`,
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
    json: jsonOption,
  },
  examples: [
    { command: 'report', help: 'The table, on the terminal' },
    { command: 'report runs/table6 --output docs/results/mine', help: 'Page, Markdown, CSV, SVG' },
    { command: 'report runs/table6 --format csv', help: 'For a spreadsheet' },
  ],
  async run({ values, positionals }) {
    const folder = trimSlash(positionals[0] ?? (await defaultFolder()));
    const read = await readReport(nodeHost, folder);
    if (values.output === undefined) {
      if (values.json) printJson(JSON.parse(formatReport(read, 'json')));
      else process.stdout.write(formatReport(read, values.format));
    } else {
      const page = await writeReport(nodeHost.files, trimSlash(values.output), read);
      if (values.json) printJson({ page });
      else process.stdout.write(`${page}\n`);
    }
    return 0;
  },
});

async function defaultFolder(): Promise<string> {
  return (await readPlan(nodeHost.files, REPRODUCED)) ? REPRODUCED : RUNS;
}
