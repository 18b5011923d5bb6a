// Collects what finished runs came to, small enough to be committed and shown: one JSON file a run with
// its configuration, errors, thinned curves, layer responses, machine, date and version; and beside them
// the report of all that were ever collected, whose run folders may be long gone. The page's chapter 7
// shows the files of docs/results/table6/runs as ours.
//
//   node scripts/collect-results.ts [RUNS...] [--output docs/results/table6/runs]
//
// RUNS are run folders, or folders of them. Runs that are not finished are left out, and named. Without
// RUNS only the report is made again.

import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { withRepeat } from '../src/cli/session/repeat-row.ts';
import { buildReport } from '../src/experiment/report/build.ts';
import { collectRun, collectRuns } from '../src/experiment/report/collect.ts';
import type { ReportRun } from '../src/experiment/report/data.ts';
import { readReport, writeReport } from '../src/experiment/report/report.ts';
import type { LayerResponse } from '../src/experiment/responses.ts';
import { writeAtomically } from '../src/runs/file-system.ts';
import { isRun } from '../src/runs/reader.ts';
import type { RunHost } from '../src/runs/run.ts';
import { nodeHost } from '../src/runs/runs.node.ts';
import { parseTrainConfig } from '../src/train/config.ts';
import { UserError } from '../src/util/errors.ts';

const OUTPUT = join(import.meta.dirname, '..', 'docs', 'results', 'table6', 'runs');

/** A finished run as it is committed. */
export interface CollectedRun extends ReportRun {
  readonly responses?: readonly LayerResponse[];
}

export interface CollectedResults {
  /** Paths of the files that were written. */
  readonly written: readonly string[];
  /** Sentences about runs that were left out. */
  readonly left: readonly string[];
}

/**
 * Writes a file for each finished run; one that is there already is replaced.
 * @throws UserError where there are no runs, or two have one name
 */
export async function collectResults(
  host: RunHost,
  folders: readonly string[],
  output: string,
): Promise<CollectedResults> {
  const left: string[] = [];
  const runs = new Map<string, CollectedRun>();
  for (const folder of folders) {
    for (const run of await runsIn(host, folder, left)) {
      if (run.state !== 'finished') {
        left.push(
          `Left out: ${run.folder} is ${run.state} (${run.epochsDone} of ${run.epochs} epochs).`,
        );
      } else if (runs.has(run.folder)) {
        throw new UserError(`Two runs are called "${run.folder}": rename the folder of one.`);
      } else {
        const dir = (await isRun(host.files, folder)) ? folder : `${folder}/${run.folder}`;
        const [row] = (await readReport(host, dir)).rows;
        runs.set(run.folder, { ...run, responses: row?.responses });
      }
    }
  }
  const written: string[] = [];
  await host.files.makeFolder(output);
  for (const [name, run] of runs) {
    const path = join(output, `${name}.json`);
    await writeAtomically(host.files, path, `${JSON.stringify(withoutPlaces(run))}\n`);
    written.push(path);
  }
  return { written, left };
}

async function runsIn(
  host: RunHost,
  folder: string,
  left: string[],
): Promise<readonly ReportRun[]> {
  if (await isRun(host.files, folder)) return [await collectRun(host, folder)];
  const { runs, unreadable } = await collectRuns(host, folder);
  left.push(...unreadable);
  return runs;
}

/** Where the data lay on the machine that trained is nobody's business; what they were is said. */
function withoutPlaces(run: CollectedRun): CollectedRun {
  const { config, dataTitle } = run;
  if (!config || !/[/\\]/.test(config.data)) return run;
  return { ...run, config: { ...config, data: dataTitle ?? 'own data' } };
}

/**
 * Writes the report of everything that was collected, into the folder above it.
 * @param output of `collectResults`
 * @returns the page's path
 */
export async function reportCollected(host: RunHost, output: string): Promise<string> {
  const names = (await readdir(output)).filter((name) => name.endsWith('.json')).sort();
  const collected: CollectedRun[] = [];
  for (const name of names) {
    const run = JSON.parse(await readFile(join(output, name), 'utf8')) as CollectedRun;
    // A run from before some settings has the values that there were.
    const config = parseTrainConfig(run.config, name);
    collected.push({ ...run, folder: name.slice(0, -'.json'.length), config });
  }
  // What is not yet run belongs to the table as well.
  const now = host.self.now();
  const report = buildReport(collected, 'cifar10', { now, others: 'always' });
  const rows = report.rows.map((row) => {
    const first = row.runs.find(({ state }) => state === 'finished') as CollectedRun | undefined;
    return first?.responses ? { ...row, responses: first.responses } : row;
  });
  return await writeReport(host.files, dirname(output), withRepeat({ ...report, rows }));
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { output: { type: 'string', short: 'o', default: OUTPUT } },
  });
  const { written, left } = await collectResults(nodeHost, positionals, values.output);
  for (const sentence of left) console.error(sentence);
  for (const path of written) console.log(path);
  console.log(await reportCollected(nodeHost, values.output));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
