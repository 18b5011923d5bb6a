// What a report says, as data: the JSON that `table6 report --format json` prints, and the only thing
// that the text, Markdown, CSV and HTML writers read. Errors here are per cent, as in the paper's
// table (everywhere else in this program they are fractions).

import type { RecipeName, TrainConfig } from '../../train/config.ts';
import type { Difference, Sample } from '../../util/statistics.ts';
import type { CellState } from '../cells.ts';
import type { Evaluation } from '../evaluation-file.ts';
import type { LayerResponse } from '../responses.ts';
import type { Table6Row } from '../table6.ts';

export type Point = readonly [x: number, y: number];

/** What a run measured, against iterations. */
export interface RunCurves {
  /** Per cent; running averages over each epoch, with changing weights and augmentation. */
  readonly trainError: readonly Point[];
  /** Per cent, after each epoch. */
  readonly testError: readonly Point[];
  readonly learningRate: readonly Point[];
  /** Training loss, averaged over neighbouring steps. */
  readonly loss: readonly Point[];
}

export interface ReportRun {
  /** Name of its folder. */
  readonly folder: string;
  /** What someone has called it. */
  readonly label?: string;
  readonly note?: string;
  readonly arch: string;
  readonly recipe: RecipeName;
  readonly seed: number;
  readonly state: CellState;
  /** Why it failed, or who trains it. */
  readonly message?: string;
  readonly epochsDone: number;
  /** 0 where it is not known yet. */
  readonly epochs: number;
  /** Test error of the last epoch; of finished runs only. */
  readonly final?: number;
  /** Training error of the last epoch, a running average. */
  readonly trainError?: number;
  /** As `final`, with the mean over each image and its mirror image, where that was evaluated. */
  readonly mirrored?: number;
  readonly bestOnTest?: { readonly error: number; readonly epoch: number };
  readonly bestOnValidation?: {
    readonly error: number;
    readonly validationError: number;
    readonly epoch: number;
  };
  readonly seconds?: number;
  readonly parameters?: number;
  readonly dataTitle?: string;
  readonly isOriginalCifar10?: boolean;
  /** Whether its error may stand beside the paper's: all of the original CIFAR-10. */
  readonly comparable: boolean;
  readonly trainImages?: number;
  readonly testImages?: number;
  /** Of those, how many its errors were counted on: fewer in a trial of a few batches. */
  readonly evaluatedImages?: number;
  /** Backend and processor; one after the other where the run went on elsewhere. */
  readonly machine?: string;
  /** Of table6, with the commit where it ran from a checkout; several where the run went on with others. */
  readonly version?: string;
  /** ISO 8601. */
  readonly started?: string;
  readonly weightsSha256?: string;
  readonly config?: TrainConfig;
  readonly curves?: RunCurves;
  readonly evaluation?: Evaluation;
}

/** One thing that rows may differ in. */
export interface Fact {
  /** The setting, or `recipe`, `data`, `images`. */
  readonly name: string;
  /** `lr`, as the head of a column. */
  readonly label: string;
  /** `lr 0.05`; empty where it need not be said, such as of drops that there are none of. */
  readonly text: string;
  /** As it is compared and sorted. */
  readonly value: unknown;
  /** Whether it is what the recipe makes of this network, where it is a setting. */
  readonly isUsual: boolean;
}

/** One line of the table: runs that differ in nothing but their seed. */
export interface ReportRow {
  readonly arch: string;
  /** Undefined for a network of Table 6 that is not in the grid. */
  readonly recipe?: RecipeName;
  /** The network, and what sets it apart from other rows; unique. */
  readonly name: string;
  /** In what it differs from other rows of the report. */
  readonly differs: readonly Fact[];
  readonly parameters: number;
  /** Numbers of others, where there are any for this network. */
  readonly reference?: Table6Row;
  readonly planned: number;
  readonly states: Readonly<Record<CellState, number>>;
  /** Over the finished runs. */
  readonly final?: Sample;
  readonly bestOnTest?: Sample;
  readonly bestOnValidation?: Sample;
  readonly trainError?: Sample;
  readonly mirrored?: Sample;
  /** Ours (final) minus the paper's, on the original CIFAR-10 alone. */
  readonly paperDifference?: Difference;
  /** Standard error of the final error from counting images alone. */
  readonly countingError?: number;
  /** Mean time of a finished run. */
  readonly seconds?: number;
  readonly dataTitle?: string;
  /** How many it was trained on and tested on, where that is known. */
  readonly images?: { readonly train: number; readonly test: number };
  readonly runs: readonly ReportRun[];
  /** Without what differs between its runs. */
  readonly config?: Partial<TrainConfig>;
  /** Of the first finished run. */
  readonly responses?: readonly LayerResponse[];
}

export interface Comparison {
  readonly kind: 'plain-residual' | 'settings';
  /** What is compared with what: `ResNet-20: lr 0.05 − lr 0.1`. */
  readonly what: string;
  /** Names of two rows; the difference is the first minus the second. */
  readonly first: string;
  readonly second: string;
  /** Of final test errors: independent groups, or pairs of the same seed. */
  readonly test: Difference;
  /** Of final training errors. */
  readonly train?: Difference;
  /** How many seeds both have. */
  readonly pairs?: number;
}

export interface Report {
  readonly title: string;
  /** What every caption says about the data. */
  readonly dataNote: string;
  readonly comparable: boolean;
  readonly created: string;
  readonly rows: readonly ReportRow[];
  readonly comparisons: readonly Comparison[];
  /** Sentences under the table. */
  readonly notes: readonly string[];
}
