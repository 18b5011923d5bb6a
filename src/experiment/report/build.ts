// From runs to the report: which runs make a row, what a row may claim, and what is compared with
// what. Nothing is averaged that differs in more than its seed, and nothing stands beside the paper's
// numbers that was not measured on all of the original CIFAR-10.

import { createNetwork, parseArch } from '../../nn/network.ts';
import { parameterCount } from '../../nn/parameters.ts';
import { TRAINING_SETTINGS, type TrainConfig } from '../../train/config.ts';
import { pick } from '../../util/objects.ts';
import {
  compareIndependent,
  compareWithConstant,
  countingError,
  type Difference,
  describeSample,
  mean,
  type Sample,
} from '../../util/statistics.ts';
import type { CellState } from '../cells.ts';
import { TABLE6, type Table6Row, table6Row } from '../table6.ts';
import { compareAll } from './compare.ts';
import type { Comparison, Report, ReportRow, ReportRun } from './data.ts';
import { displayName } from './format.ts';
import { compareDiffering, nameRows } from './naming.ts';

export interface BuildOptions {
  /** Milliseconds since 1970. */
  readonly now?: number;
  /**
   * Whether networks of Table 6 without a run have a row: always, or (default) where the runs are part
   * of that table and no study of something else.
   */
  readonly others?: 'always' | 'where-they-belong';
}

/**
 * @param runs from `collectRuns`
 * @param data what the plan calls its data, for a grid of which nothing has begun
 */
export function buildReport(
  runs: readonly ReportRun[],
  data: string,
  { now = Date.now(), others = 'where-they-belong' }: BuildOptions = {},
): Report {
  const groups = groupRuns(runs);
  const measured = nameRows(groups.map(({ counted }) => rowOf(counted)));
  const rows = [...measured, ...otherRows(measured, runs, others)].sort(inTableOrder);
  const comparable = runs.some(({ comparable }) => comparable);
  const dataNote = dataNoteOf(runs, data);
  const comparisons = compareAll(rows.filter(({ planned }) => planned > 0));
  return {
    title: `${isOfTable6(measured, runs) ? 'Table 6:' : 'Runs on'} ${dataNote}`,
    dataNote,
    comparable,
    created: new Date(now).toISOString(),
    rows,
    comparisons,
    notes: notesOf({ runs, rows, comparable, comparisons, repeats: repeatNotes(groups) }),
  };
}

function dataNoteOf(runs: readonly ReportRun[], data: string): string {
  const begun = runs.filter(({ dataTitle }) => dataTitle !== undefined);
  const titles = unique(begun.map(({ dataTitle }) => dataTitle));
  const limits = unique(begun.map(({ config }) => config?.limitBatches ?? 0));
  const foreign = begun.some(({ isOriginalCifar10 }) => !isOriginalCifar10);
  const all = limits.length === 1 && limits[0] !== 0;
  const some = limits.length > 1;
  return [
    titles.length > 0 ? titles.join(' and ') : data,
    foreign ? 'not the original CIFAR-10' : '',
    all ? `a trial of ${limits[0]} ${limits[0] === 1 ? 'batch' : 'batches'} an epoch` : '',
    some ? 'partly trials of a few batches' : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** The runs of a row, and those that are the same as one of them. */
interface Group {
  readonly counted: ReportRun[];
  readonly repeats: readonly { readonly run: ReportRun; readonly of: ReportRun }[];
}

function groupRuns(runs: readonly ReportRun[]): Group[] {
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
  return mergeUnbegun([...groups.values()]).map(withoutRepeats);
}

/** Runs that have not begun do not know their data's title yet; they belong to those that have. */
function mergeUnbegun(groups: readonly ReportRun[][]): ReportRun[][] {
  const begun = groups.filter(([run]) => run?.dataTitle !== undefined).map((group) => [...group]);
  for (const group of groups.filter(([run]) => run?.dataTitle === undefined)) {
    const [first] = group as [ReportRun, ...ReportRun[]];
    const home = begun.find(([run]) => run !== undefined && mayBeAlike(run, first));
    if (home) home.push(...group);
    else begun.push([...group]);
  }
  return begun;
}

function mayBeAlike(a: ReportRun, b: ReportRun): boolean {
  const [x, y] = [a.config, b.config].map((config) => config && sharedSettings(config));
  const alike = x === undefined || y === undefined || JSON.stringify(x) === JSON.stringify(y);
  return a.arch === b.arch && a.recipe === b.recipe && alike;
}

/**
 * Two runs with one seed are the same experiment twice, and two with the same weights the same run, such
 * as a copy of its folder: no new evidence. The finished one counts.
 */
function withoutRepeats(runs: readonly ReportRun[]): Group {
  const inOrder = [
    ...runs.filter(({ state }) => state === 'finished'),
    ...runs.filter(({ state }) => state !== 'finished'),
  ];
  const counted: ReportRun[] = [];
  const repeats: { run: ReportRun; of: ReportRun }[] = [];
  for (const run of inOrder) {
    const of = counted.find((other) => other.seed === run.seed || isSameToTheBit(other, run));
    if (of) repeats.push({ run, of });
    else counted.push(run);
  }
  return { counted: counted.sort((a, b) => a.seed - b.seed), repeats };
}

function isSameToTheBit(a: ReportRun, b: ReportRun): boolean {
  return (
    a.state === 'finished' &&
    b.state === 'finished' &&
    a.weightsSha256 !== undefined &&
    a.weightsSha256 === b.weightsSha256
  );
}

/**
 * The settings that the runs of a row have in common. They may differ in their seed and in what leaves
 * the training as it is; which images they saw is told by what was loaded.
 */
function sharedSettings(config: TrainConfig): Partial<TrainConfig> {
  return pick(config, TRAINING_SETTINGS);
}

function rowOf(runs: ReportRun[]): Omit<ReportRow, 'name' | 'differs'> {
  const { arch, recipe } = runs[0]!;
  const finished = runs.filter(({ state }) => state === 'finished');
  const first = finished[0] ?? runs.find(({ config }) => config !== undefined);
  const reference = table6Row(arch);
  const final = sampleOf(finished.map((run) => run.final));
  const comparable = finished.length > 0 && finished.every((run) => run.comparable);
  const counted = finished[0]?.evaluatedImages ?? finished[0]?.testImages;
  const known = finished[0] ?? runs.find(({ testImages }) => testImages !== undefined);
  return {
    arch,
    recipe,
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
    mirrored: sampleOf(finished.map((run) => run.mirrored)),
    ...(final && comparable && reference && { paperDifference: fromPaper(final, reference) }),
    ...(final && counted && { countingError: 100 * countingError(final.mean / 100, counted) }),
    ...(known?.testImages !== undefined && {
      images: { train: known.trainImages ?? 0, test: known.evaluatedImages ?? known.testImages },
    }),
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

/** The networks of the paper's table that nobody has planned here: shown, as missing. */
function otherRows(
  rows: readonly ReportRow[],
  runs: readonly ReportRun[],
  others: NonNullable<BuildOptions['others']>,
): ReportRow[] {
  if (others === 'where-they-belong' && !isPartOfTable6(rows, runs)) return [];
  return TABLE6.filter(({ arch }) => !rows.some((row) => row.arch === arch)).map((reference) => ({
    arch: reference.arch,
    name: displayName(reference.arch),
    differs: [],
    parameters: reference.parameters,
    reference,
    planned: 0,
    states: countStates([]),
    runs: [],
  }));
}

/** In a study of other networks, other data or other settings they would be six empty lines. */
function isPartOfTable6(rows: readonly ReportRow[], runs: readonly ReportRun[]): boolean {
  const kinds = new Set(rows.map(({ arch, recipe }) => `${arch} ${recipe}`));
  const asNamed = rows.every(({ differs }) =>
    differs.every(({ name, isUsual }) => name === 'recipe' || isUsual),
  );
  return isOfTable6(rows, runs) && kinds.size === rows.length && asNamed;
}

/** Whether any of the paper's networks is among them, and nothing else than its data. */
function isOfTable6(rows: readonly ReportRow[], runs: readonly ReportRun[]): boolean {
  const foreign = runs.some(({ isOriginalCifar10 }) => isOriginalCifar10 === false);
  return !foreign && (rows.length === 0 || rows.some(({ reference }) => reference !== undefined));
}

function inTableOrder(a: ReportRow, b: ReportRow): number {
  const [x, y] = [parseArch(a.arch), parseArch(b.arch)];
  if (x.family !== y.family) return x.family === 'resnet' ? -1 : 1;
  return x.depth - y.depth || compareDiffering(a, b);
}

interface Noted {
  readonly runs: readonly ReportRun[];
  readonly rows: readonly ReportRow[];
  readonly comparable: boolean;
  readonly comparisons: readonly Comparison[];
  readonly repeats: readonly string[];
}

function notesOf({ runs, rows, comparable, comparisons, repeats }: Noted): string[] {
  const notes = [
    'Errors are top-1 test errors in per cent. "Final" is the last epoch; "best on test" is the lowest of all epochs, which the test set itself chose, so it flatters; "best on validation" is the test error of the epoch that a held-out split chose. ± is the sample deviation over seeds.',
  ];
  if (rows.some(({ reference }) => reference !== undefined)) {
    notes.push(
      'Paper: He et al. (2015), Table 6; notebook: the best of 200 evaluations on the test set; weights: the published PyTorch weights. All three are of the original CIFAR-10.',
    );
  }
  if (rows.some(({ mirrored }) => mirrored !== undefined)) {
    notes.push(
      '"Mirrored too" is the final error where the logits of each test image and of its mirror image are averaged; the paper, the notebook and all other columns classify the image as it is.',
    );
  }
  notes.push(...countingNotes(rows));
  if (comparable) {
    notes.push(
      "Difference: ours (final) minus the paper, with a 95 % t interval over our seeds; one run has no interval. For ResNet-110 it is taken from the mean of the paper's five runs (6.61 ± 0.16), and the interval has the spread of both (Welch).",
    );
  } else if (runs.some(({ dataTitle }) => dataTitle !== undefined)) {
    notes.push(
      'These runs did not train and test on the whole original CIFAR-10, so no difference from the paper is given.',
    );
  }
  if (comparisons.length > MANY_COMPARISONS) {
    notes.push(
      `${comparisons.length} comparisons are made below: of so many, about one in twenty has an interval without zero by chance.`,
    );
  }
  return [...notes, ...repeats];
}

const MANY_COMPARISONS = 4;

/** What counting alone leaves open, for each number of images that something was tested on. */
function countingNotes(rows: readonly ReportRow[]): string[] {
  const counted = rows.filter(({ final, images }) => final !== undefined && images !== undefined);
  const bySize = Map.groupBy(counted, ({ images }) => images!.test);
  return [...bySize].map(([test, [first]]) => {
    const whose = bySize.size > 1 ? ` (${first!.name})` : '';
    return `Counting alone gives an error of ${first!.final!.mean.toFixed(1)} % on ${test.toLocaleString('en-US')} images${whose} a standard error of ${first!.countingError!.toFixed(2)} points.`;
  });
}

/** Which runs are the same, within a row and beyond. */
function repeatNotes(groups: readonly Group[]): string[] {
  const within = groups.flatMap(({ repeats }) =>
    repeats.map(({ run, of }) =>
      isSameToTheBit(run, of)
        ? `${run.folder} is the same run as ${of.folder}, to the bit of its weights: it is counted once.`
        : `${run.folder} has the settings and the seed of ${of.folder}: it is left out, because it is no new evidence.`,
    ),
  );
  const counted = groups.map((group) => group.counted);
  const beyond = counted.flatMap((runs, index) =>
    runs.flatMap((run) => {
      const other = counted
        .slice(index + 1)
        .flat()
        .find((candidate) => isSameToTheBit(candidate, run));
      return other
        ? `${run.folder} and ${other.folder} have other settings and the same weights to the bit: what differs between them changed nothing.`
        : [];
    }),
  );
  return [...within, ...beyond];
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
