// Collects what finished runs came to, small enough to be committed and shown: one JSON file a run with
// its configuration, errors, thinned curves, machine, date and version. The page's chapter 7 shows the
// files of docs/results/table6/runs as ours.
//
//   node scripts/collect-results.ts RUNS... [--output docs/results/table6/runs]
//
// RUNS are run folders, or folders of them. Runs that are not finished are left out, and named.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { collectRun, collectRuns } from '../src/experiment/report/collect.ts';
import type { ReportRun } from '../src/experiment/report/data.ts';
import { writeAtomically } from '../src/runs/file-system.ts';
import { isRun } from '../src/runs/reader.ts';
import type { RunHost } from '../src/runs/run.ts';
import { nodeHost } from '../src/runs/runs.node.ts';
import { UserError } from '../src/util/errors.ts';

const OUTPUT = join(import.meta.dirname, '..', 'docs', 'results', 'table6', 'runs');

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
  const runs = new Map<string, ReportRun>();
  for (const folder of folders) {
    for (const run of await runsIn(host, folder, left)) {
      if (run.state !== 'finished') {
        left.push(
          `Left out: ${run.folder} is ${run.state} (${run.epochsDone} of ${run.epochs} epochs).`,
        );
      } else if (runs.has(run.folder)) {
        throw new UserError(`Two runs are called "${run.folder}": rename the folder of one.`);
      } else {
        runs.set(run.folder, run);
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
function withoutPlaces(run: ReportRun): ReportRun {
  const { config, dataTitle } = run;
  if (!config || !/[/\\]/.test(config.data)) return run;
  return { ...run, config: { ...config, data: dataTitle ?? 'own data' } };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { output: { type: 'string', short: 'o', default: OUTPUT } },
  });
  if (positionals.length === 0) {
    throw new UserError('Name the folders of the runs: node scripts/collect-results.ts RUNS...');
  }
  const { written, left } = await collectResults(nodeHost, positionals, values.output);
  for (const sentence of left) console.error(sentence);
  for (const path of written) console.log(path);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
