// From runs to the report: which runs make a row, what a row may claim, and what is compared with
// what. Nothing is averaged that differs in more than its seed, and nothing stands beside the paper's
// numbers that was not measured on all of the original CIFAR-10.

import { createNetwork, parseArch } from '../../nn/network.ts';
import { parameterCount } from '../../nn/parameters.ts';
import { TRAINING_SETTINGS, type TrainConfig } from '../../train/config.ts';
import { pick } from '../../util/objects.ts';
import {
  compareIndependent,
  comparePaired,
  compareWithConstant,
  countingError,
  type Difference,
  describeSample,
  mean,
  type Sample,
} from '../../util/statistics.ts';
import type { CellState } from '../cells.ts';
import { TABLE6, type Table6Row, table6Row } from '../table6.ts';
import type { Comparison, Report, ReportRow, ReportRun } from './data.ts';
import { displayName } from './format.ts';

/**
 * @param runs from `collectRuns`
 * @param data what the plan calls its data, for a grid of which nothing has begun
 */
export function buildReport(runs: readonly ReportRun[], data: string, now = Date.now()): Report {
  const measured = groupRuns(runs).map(rowOf);
  nameApart(measured);
  const rows = [...measured, ...otherRows(measured)].sort(inTableOrder);
  const titles = unique(runs.flatMap(({ dataTitle }) => (dataTitle ? [dataTitle] : [])));
  const comparable = runs.some(({ comparable }) => comparable);
  const begun = runs.filter(({ dataTitle }) => dataTitle !== undefined);
  const limited = unique(
    begun.flatMap(({ config }) => (config && config.limitBatches > 0 ? [config.limitBatches] : [])),
  );
  const foreign = begun.some(({ isOriginalCifar10 }) => !isOriginalCifar10);
  const dataNote = [
    titles.length > 0 ? titles.join(' and ') : data,
    foreign ? 'not the original CIFAR-10' : '',
    limited.length > 0 ? `a trial of ${limited.join(', ')} batches an epoch` : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
  return {
    title: `Table 6: ${dataNote}`,
    dataNote,
    comparable,
    created: new Date(now).toISOString(),
    rows,
    comparisons: compare(measured),
    notes: notesOf(runs, rows, comparable),
  };
}

function groupRuns(runs: readonly ReportRun[]): ReportRun[][] {
  const groups = new Map<string, ReportRun[]>();
  for (const run of runs) {
    const key = JSON.stringify([
      run.arch,
      run.recipe,
      run.config && sharedSettings(run.config),
      run.dataTitle,
      run.trainImages,
      run.testImages,
    ]);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return mergeUnbegun([...groups.values()]).map(onePerSeed);
}

/** Runs that have not begun do not know their data's title yet; they belong to those that have. */
function mergeUnbegun(groups: readonly ReportRun[][]): ReportRun[][] {
  const begun = groups.filter(([run]) => run?.dataTitle !== undefined).map((group) => [...group]);
  for (const group of groups.filter(([run]) => run?.dataTitle === undefined)) {
    const { arch, recipe } = group[0]!;
    const home = begun.find(([run]) => run?.arch === arch && run.recipe === recipe);
    if (home) home.push(...group);
    else begun.push([...group]);
  }
  return begun;
}

/** Two runs with one seed are the same experiment twice; the finished one counts. */
function onePerSeed(runs: readonly ReportRun[]): ReportRun[] {
  const bySeed = new Map<number, ReportRun>();
  for (const run of runs) {
    const known = bySeed.get(run.seed);
    if (!known || (known.state !== 'finished' && run.state === 'finished')) {
      bySeed.set(run.seed, run);
    }
  }
  return [...bySeed.values()].sort((a, b) => a.seed - b.seed);
}

/**
 * The settings that the runs of a row have in common. They may differ in their seed and in what leaves
 * the training as it is; which images they saw is told by what was loaded.
 */
function sharedSettings(config: TrainConfig): Partial<TrainConfig> {
  return pick(config, TRAINING_SETTINGS);
}

function rowOf(runs: ReportRun[]): ReportRow {
  const { arch, recipe } = runs[0]!;
  const finished = runs.filter(({ state }) => state === 'finished');
  const first = finished[0] ?? runs.find(({ config }) => config !== undefined);
  const reference = table6Row(arch);
  const final = sampleOf(finished.map((run) => run.final));
  const comparable = finished.length > 0 && finished.every((run) => run.comparable);
  const images = finished[0]?.testImages;
  return {
    arch,
    recipe,
    name: displayName(arch),
    parameters:
      first?.parameters ??
      parameterCount(createNetwork(arch, first?.config && { ...first.config })),
    ...(reference && { reference }),
    planned: runs.length,
    states: countStates(runs),
    final,
    bestOnTest: sampleOf(finished.map((run) => run.bestOnTest?.error)),
    bestOnValidation: sampleOf(finished.map((run) => run.bestOnValidation?.error)),
    trainError: sampleOf(finished.map((run) => run.trainError)),
    ...(final && comparable && reference && { paperDifference: fromPaper(final, reference) }),
    ...(final && images && { countingError: 100 * countingError(final.mean / 100, images) }),
    ...(finished.length > 0 && { seconds: mean(finished.map(({ seconds = 0 }) => seconds)) }),
    dataTitle: first?.dataTitle,
    runs,
    config: first?.config && {
      ...sharedSettings(first.config),
      validation: first.config.validation,
      classes: first.config.classes,
    },
  };
}

/** The mean of five where the paper gives one: a single best run is no fair opponent of a mean. */
function fromPaper(final: Sample, { paperError, paperMean }: Table6Row): Difference {
  if (!paperMean) return compareWithConstant(final, paperError);
  const { mean: theirs, deviation, runs } = paperMean;
  return compareIndependent(final, { n: runs, mean: theirs, deviation });
}

function sampleOf(values: readonly (number | undefined)[]): Sample | undefined {
  return describeSample(values.filter((value) => value !== undefined));
}

function countStates(runs: readonly ReportRun[]): Record<CellState, number> {
  const states = { missing: 0, running: 0, interrupted: 0, failed: 0, finished: 0 };
  for (const { state } of runs) states[state]++;
  return states;
}

/** Gives rows of one network that differ by recipe, length or data names of their own. */
function nameApart(rows: ReportRow[]): void {
  const details: ((row: ReportRow) => string)[] = [
    ({ recipe = '' }) => recipe,
    ({ config }) => (config?.schedule ? `${config.schedule.length} ${config.schedule.unit}` : ''),
    ({ config }) => (config?.shortcut === 'B' ? 'shortcut B' : ''),
    ({ dataTitle = '' }) => dataTitle,
  ];
  for (const detail of details) {
    const taken = rows.map(({ name }) => name);
    rows.forEach((row, index) => {
      const clash = taken.filter((name) => name === taken[index]).length > 1;
      const text = detail(row);
      if (clash && text !== '') rows[index] = { ...row, name: `${row.name}, ${text}` };
    });
  }
  const seen = new Map<string, number>();
  rows.forEach((row, index) => {
    const times = (seen.get(row.name) ?? 0) + 1;
    seen.set(row.name, times);
    if (times > 1) rows[index] = { ...row, name: `${row.name} (${times})` };
  });
}

/** The networks of the paper's table that nobody has planned here: shown, as missing. */
function otherRows(rows: readonly ReportRow[]): ReportRow[] {
  return TABLE6.filter(({ arch }) => !rows.some((row) => row.arch === arch)).map((reference) => ({
    arch: reference.arch,
    name: displayName(reference.arch),
    parameters: reference.parameters,
    reference,
    planned: 0,
    states: countStates([]),
    runs: [],
  }));
}

function inTableOrder(a: ReportRow, b: ReportRow): number {
  const [x, y] = [parseArch(a.arch), parseArch(b.arch)];
  if (x.family !== y.family) return x.family === 'resnet' ? -1 : 1;
  return x.depth - y.depth || a.name.localeCompare(b.name);
}

function compare(rows: readonly ReportRow[]): Comparison[] {
  const comparisons: Comparison[] = [];
  rows.forEach((a, index) => {
    for (const b of rows.slice(index + 1)) {
      const comparison = compareRows(a, b);
      if (comparison) comparisons.push(comparison);
    }
  });
  return comparisons;
}

function compareRows(a: ReportRow, b: ReportRow): Comparison | undefined {
  if (!a.final || !b.final || a.dataTitle !== b.dataTitle) return undefined;
  const [x, y] = [parseArch(a.arch), parseArch(b.arch)];
  if (x.depth !== y.depth) return undefined;
  if (x.family !== y.family && a.recipe === b.recipe) {
    const [plain, residual] = x.family === 'plain' ? [a, b] : [b, a];
    return {
      kind: 'plain-residual',
      first: plain.name,
      second: residual.name,
      test: compareIndependent(plain.final!, residual.final!),
      ...(plain.trainError &&
        residual.trainError && {
          train: compareIndependent(plain.trainError, residual.trainError),
        }),
    };
  }
  if (x.family !== y.family) return undefined;
  // Runs of one network with one seed began with the same weights and saw the same batches.
  const pairs = a.runs.flatMap((run) => {
    const other = b.runs.find(({ seed }) => seed === run.seed);
    const both = run.state === 'finished' && other?.state === 'finished';
    return both && run.final !== undefined && other.final !== undefined
      ? [[run.final, other.final] as const]
      : [];
  });
  if (pairs.length === 0) return undefined;
  return {
    kind: 'recipes',
    first: a.name,
    second: b.name,
    test: comparePaired(
      pairs.map(([first]) => first),
      pairs.map(([, second]) => second),
    ),
    pairs: pairs.length,
  };
}

function notesOf(
  runs: readonly ReportRun[],
  rows: readonly ReportRow[],
  comparable: boolean,
): string[] {
  const notes = [
    'Errors are top-1 test errors in per cent. "Final" is the last epoch; "best on test" is the lowest of all epochs, which the test set itself chose, so it flatters; "best on validation" is the test error of the epoch that a held-out split chose. ± is the sample deviation over seeds.',
    'Paper: He et al. (2015), Table 6; notebook: the best of 200 evaluations on the test set; weights: the published PyTorch weights. All three are of the original CIFAR-10.',
  ];
  const images = runs.find(({ testImages }) => testImages !== undefined)?.testImages;
  const example = rows.find(({ final }) => final !== undefined);
  if (images && example?.countingError !== undefined) {
    notes.push(
      `Counting alone gives an error of ${example.final?.mean.toFixed(1)} % on ${images.toLocaleString('en-US')} images a standard error of ${example.countingError.toFixed(2)} points.`,
    );
  }
  notes.push(
    comparable
      ? "Difference: ours (final) minus the paper, with a 95 % t interval over our seeds; one run has no interval. For ResNet-110 it is taken from the mean of the paper's five runs (6.61 ± 0.16), and the interval has the spread of both (Welch)."
      : 'These runs did not train and test on the whole original CIFAR-10, so no difference from the paper is given.',
  );
  const repeated = runs.length - rows.reduce((sum, row) => sum + row.runs.length, 0);
  if (repeated > 0) {
    notes.push(
      `${repeated} more ${repeated === 1 ? 'run has' : 'runs have'} the seed of another with the same settings and ${repeated === 1 ? 'is' : 'are'} left out: they are no new evidence.`,
    );
  }
  return notes;
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
