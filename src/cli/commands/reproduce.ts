// `table6 reproduce`: plans a table, says what it costs, trains what is missing, reports. It may be
// stopped and started at any moment; the run folders are all it remembers.

import type { Dataset } from '../../data/dataset.ts';
import { type CellState, type CellView, readCells } from '../../experiment/cells.ts';
import { wallSeconds } from '../../experiment/cost.ts';
import { runGrid } from '../../experiment/grid.ts';
import { createLauncher } from '../../experiment/jobs.node.ts';
import {
  type Cell,
  cellFolder,
  cellName,
  makePlan,
  type Plan,
  variationTexts,
} from '../../experiment/plan.ts';
import { readPlan, writePlan } from '../../experiment/plan-folder.ts';
import { formatReport, readReport, writeReport } from '../../experiment/report/report.ts';
import { tableText } from '../../experiment/report/text.ts';
import { trimSlash } from '../../runs/run.ts';
import { nodeHost } from '../../runs/runs.node.ts';
import { DEFAULTS, MACHINE_SETTING_NAMES, type TrainConfig } from '../../train/config.ts';
import { formatBytes, formatDuration, plural } from '../../util/format.ts';
import { pick } from '../../util/objects.ts';
import { defineCommand } from '../command.ts';
import { createOverview } from '../console/overview.ts';
import { printJson } from '../console/print.ts';
import type { Terminal } from '../console/terminal.ts';
import type { Values } from '../options.ts';
import { backendOptions, defaultThreads, openBackend } from '../session/backend.ts';
import {
  anyHalf,
  type Machine,
  machineArguments,
  machineOf,
  openTable,
} from '../session/grid-machine.ts';
import { costsOf, measured, smallestOf } from '../session/grid-needs.ts';
import { watchSignals } from '../session/interrupt.ts';
import { linksFrom, progressTerminal } from '../session/output.ts';
import { withRepeat } from '../session/repeat-row.ts';
import { planRequest, reproduceOptions } from './reproduce-options.ts';

type ReproduceValues = Values<typeof reproduceOptions>;

export const reproduce = defineCommand({
  description:
    'Plans every network with every recipe and every seed and freezes the plan in its folder; shows what it costs; trains each run in a process of its own. Finished runs are skipped, stopped ones go on, failed ones are tried again: call it as often as you like, also with more seeds or networks. Several machines may share the folder.',
  arguments: [],
  options: reproduceOptions,
  examples: [
    { command: 'reproduce --dry-run', help: 'What four networks with five seeds would cost here' },
    { command: 'reproduce --archs resnet20 --seeds 3', help: 'One row of the table' },
    {
      command: 'reproduce --archs resnet20 --vary lr=0.05,0.1,0.2 --seeds 3 --save-dir runs/lr',
      help: 'A sweep: the report has the grid, and a plot of the error against what varies',
    },
    { command: 'reproduce --seeds 10', help: 'Later: the same table with more seeds' },
    {
      command: 'reproduce --archs plain20,plain56,resnet20,resnet56 --save-dir runs/degradation',
      help: 'Plain nets beside residual ones',
    },
    {
      command: 'reproduce --archs resnet110 --recipe notebook,notebook-as-run --save-dir runs/110',
      help: 'What the notebook meant against what its code does',
    },
    {
      command: 'reproduce --recipe quick --epochs 10 --data synthetic --save-dir runs/trial',
      help: 'Try it out without a download',
    },
  ],
  async run({ values }) {
    const terminal = progressTerminal(values.json);
    const typed = { ...DEFAULTS, ...pick(values, MACHINE_SETTING_NAMES) };
    backendOptions({ ...typed, half: values.half, threads: values.threads });
    const request = planRequest(values);
    const folder = trimSlash(values.saveDir);
    const plan = values.dryRun
      ? makePlan(request, await readPlan(nodeHost.files, folder))
      : await writePlan(nodeHost, folder, request);
    const threads = values.threads ?? Math.max(1, Math.floor(defaultThreads() / values.jobs));
    const machine = machineOf(values, threads, anyHalf(plan));
    const { dataset, configOf } = await openTable({
      ...{ plan, machine, terminal, offline: values.offline, seed: plan.cells[0]!.seed },
    });
    const views = await readCells(nodeHost, folder, plan.cells);
    const context = { plan, folder, dataset, views, values, machine, configOf, terminal };
    const cost = await showCost(context);
    if (values.dryRun) {
      if (values.json) printJson(cost);
      return 0;
    }
    return train(context);
  },
});

interface Context {
  readonly plan: Plan;
  readonly folder: string;
  readonly dataset: Dataset;
  readonly views: readonly CellView[];
  readonly values: ReproduceValues;
  /** What each run is trained with here. */
  readonly machine: Machine;
  readonly configOf: (cell: Cell) => TrainConfig;
  readonly terminal: Terminal;
}

/** The plan and its price, before anybody waits. */
interface Cost {
  readonly folder: string;
  readonly data: string;
  readonly runs: readonly { readonly folder: string; readonly state: CellState }[];
  /** Runs that are not finished, and what they take from here on. */
  readonly toDo: number;
  readonly multiplyAdds: number;
  readonly diskBytes: number;
  readonly seconds: number;
}

/** @returns what it shows, for programs */
async function showCost(context: Context): Promise<Cost> {
  const { plan, folder, dataset, views, values, configOf, terminal } = context;
  const left = views.filter(({ state }) => state !== 'finished');
  const costs = costsOf(left, configOf, dataset);
  const work = costs.map(({ multiplyAdds }) => multiplyAdds);
  const { train, validation, test } = dataset;
  const images = [plural(train.count, 'training image'), plural(test.count, 'test image')];
  if (validation) images.push(plural(validation.count, 'validation image'));
  terminal.line(`folder   ${folder}`);
  terminal.line(`data     ${dataset.title}: ${images.join(', ')}`);
  terminal.line(`grid     ${gridText(plan)}`);
  terminal.line(
    `to do    ${plural(left.length, 'run')}; ${plan.cells.length - left.length} finished`,
  );
  const shown = {
    folder,
    data: dataset.title,
    runs: views.map(({ cell, state }) => ({ folder: cellFolder(cell), state })),
    toDo: left.length,
    multiplyAdds: sum(work),
    diskBytes: sum(costs.map(({ diskBytes }) => diskBytes)),
  };
  if (left.length === 0) return { ...shown, seconds: 0 };
  terminal.line(`work     ${workText(sum(work))} multiply-adds`);
  terminal.line(`disk     ${formatBytes(shown.diskBytes)}`);
  const { config } = smallestOf(costs);
  await using backend = await openBackend(config);
  const { multiplyAddsPerSecond, line } = await measured(config, dataset, backend);
  const { jobs } = values;
  const seconds = wallSeconds(work, jobs, multiplyAddsPerSecond);
  terminal.line(
    `time     about ${formatDuration(seconds)} with ${plural(jobs, 'job')} of ${plural(config.threads, 'thread')}: ${line}${jobs > 1 ? ', and the jobs as if they did not slow each other down' : ''}`,
  );
  return { ...shown, seconds };
}

function gridText({ cells, settings }: Plan): string {
  const distinct = (values: readonly (string | number)[]) => [...new Set(values)].join(', ');
  const parts = [
    `${plural(cells.length, 'run')}: ${distinct(cells.map(({ arch }) => arch))}`,
    `recipe ${distinct(cells.map(({ recipe }) => recipe))}`,
    `seeds ${distinct(cells.map(({ seed }) => seed))}`,
  ];
  const varied = Map.groupBy(
    cells.flatMap(({ vary }) => variationTexts(vary)),
    ([name]) => name,
  );
  for (const [name, values] of varied) {
    parts.push(`${name} ${distinct(values.map(([, value]) => value))}`);
  }
  if (settings.epochs !== undefined) parts.push(plural(settings.epochs, 'epoch'));
  if (settings.limitBatches) parts.push(`a trial of ${settings.limitBatches} batches an epoch`);
  return parts.join('; ');
}

/** 2.5e15 → `2.5 × 10^15`. */
function workText(multiplyAdds: number): string {
  const [digits = '', exponent = ''] = multiplyAdds.toExponential(1).split('e+');
  return `${digits} × 10^${exponent}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function train(context: Context): Promise<number> {
  const { plan, folder, dataset, values, machine, configOf, terminal } = context;
  const reports = `${folder}/report`;
  const linkTo = linksFrom(reports, folder);
  const stopping = new AbortController();
  using interruption = watchSignals((signal) => {
    if (signal !== 'EPIPE') terminal.line(`${signal}: the runs save and stop; once more to quit.`);
    stopping.abort();
  });
  const overview = createOverview({
    terminal,
    folder,
    cells: plan.cells,
    trainImages: dataset.train.count,
    table: async () => {
      const report = await readReport(nodeHost, folder);
      await writeReport(nodeHost.files, reports, withRepeat(report), { linkTo });
      return tableText(report);
    },
  });
  terminal.line();
  let views: CellView[];
  try {
    views = await runGrid({
      host: nodeHost,
      folder,
      cells: plan.cells,
      jobs: values.jobs,
      launcher: createLauncher({
        settings: plan.settings,
        configOf,
        tensorboard: values.tensorboard,
        ...machineArguments(machine, values.offline),
      }),
      signal: stopping.signal,
      onEvent: (event) => overview.handle(event),
    });
  } finally {
    await overview.close();
  }
  const report = await readReport(nodeHost, folder);
  const page = await writeReport(nodeHost.files, reports, withRepeat(report), { linkTo });
  terminal.line();
  terminal.line(report.title);
  terminal.line(tableText(report));
  terminal.line();
  for (const { state, message, cell } of views) {
    if (state === 'failed') terminal.line(`failed   ${cellName(cell)}: ${message}`);
  }
  terminal.line(`report   ${page}`);
  terminal.line(`         table6 report ${folder}`);
  if (values.json) printJson(JSON.parse(formatReport(report, 'json')));
  const unfinished = views.filter(({ state }) => state !== 'finished').length;
  if (unfinished > 0) {
    terminal.line(
      `${plural(unfinished, 'run')} not finished; to go on: table6 reproduce --save-dir ${folder}`,
    );
  }
  return interruption.exitCode() ?? (unfinished > 0 ? 1 : 0);
}
