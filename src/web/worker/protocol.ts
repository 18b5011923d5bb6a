// What the page and its training worker say to each other: the page asks, the worker answers each
// request once, and tells what happens meanwhile. Plain data that `postMessage` can copy. Only types
// are imported, so the page's bundle has nothing of the engine in it.
//
// Errors and accuracies are fractions; epochs and batches count from 0; times are seconds; images are
// 32 × 32 pixels. A run is named by its folder (`runs/resnet20-seed1`), a data set by its source, as
// `--data` names it (`cifar10`, `synthetic:train=256,test=64`).

import type { NormalizationKind } from '../../data/normalization.ts';
import type { BlockMaps, BlockName, PixelArithmetic } from '../../experiment/feature-maps.ts';
import type { ConfigOverrides } from '../../experiment/recipes.ts';
import type { LayerResponse } from '../../experiment/responses.ts';
import type { WeightsNotice } from '../../interop/stored.ts';
import type { ShortcutOption } from '../../nn/network.ts';
import type { ExportFormat } from '../../runs/export.ts';
import type { MetricsRecord } from '../../runs/metrics.ts';
import type { NamedState } from '../../runs/states.ts';
import type { RunEnvironment, RunSummary } from '../../runs/summary.ts';
import type { RecipeName, TrainConfig } from '../../train/config.ts';
import type { EvaluationReport } from '../../train/evaluate.ts';
import type { TrainEvent } from '../../train/events.ts';

/** Something a person can cause or mend, or a defect of ours (`code: 'defect'`). */
export interface WorkerError {
  readonly code: string;
  /** One sentence for people. */
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What the tab has to compute and to save with. */
export interface TabFacts {
  readonly cores: number;
  /** Whether the tab may share memory, which threads need. */
  readonly isolated: boolean;
  /** `memory`: runs are gone when the tab is closed; `notice` says why. */
  readonly storage: { readonly kind: 'opfs' | 'memory'; readonly notice?: string };
  /** Whether there is a WebGPU adapter at all, and whether it is a real GPU. */
  readonly gpu: 'none' | 'software' | 'real';
}

export type DeviceChoice = 'auto' | 'cpu' | 'webgpu';

export interface DeviceFacts {
  readonly kind: 'wasm' | 'webgpu' | 'reference';
  /** One line: engine, threads, register width, adapter, and why it is not what one might expect. */
  readonly description: string;
  readonly threads: number;
}

/** Where images come from. Files are copied by name only: a `File` is a handle. */
export type DataSource =
  | {
      readonly from: 'synthetic';
      readonly train?: number;
      readonly test?: number;
      readonly seed?: number;
    }
  /** A dropped archive, CIFAR's batch files, or a folder of images (class = subfolder). */
  | { readonly from: 'files'; readonly files: readonly DroppedFile[]; readonly name?: string }
  /** The data cache of `table6 ui`, where the page comes from it. `base`: the page's address. */
  | { readonly from: 'server'; readonly name: 'cifar10' | 'cifar100'; readonly base: string }
  /** Loaded earlier and kept in the browser's storage. */
  | { readonly from: 'storage'; readonly data: string }
  /** Pictures that were added class by class. */
  | {
      readonly from: 'pictures';
      readonly name: string;
      readonly classes: readonly { readonly name: string; readonly pictures: readonly Blob[] }[];
    };

export interface DroppedFile {
  /** Below the chosen folder, as `webkitRelativePath` says it; a file's name alone where there is none. */
  readonly path: string;
  readonly file: Blob;
}

export interface DataFacts {
  /** Names it in requests. */
  readonly data: string;
  readonly title: string;
  readonly isOriginalCifar10: boolean;
  readonly classes: readonly string[];
  /** Images of each class. */
  readonly train: readonly number[];
  readonly test: readonly number[];
  /** Of a folder that has its own: they choose the best epoch. */
  readonly validation?: readonly number[];
  /** Sentences: skipped images, held-out test images, what could not be kept. */
  readonly notices: readonly string[];
  /** Whether a reload finds it again. */
  readonly isKept: boolean;
}

export type SplitName = 'train' | 'test';

/** Images as a canvas draws them: n × 32 × 32 × 4 bytes (red, green, blue, opacity). */
export interface Images {
  readonly indices: readonly number[];
  readonly labels: readonly number[];
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
  /** How many there are in all (of the class, where one was asked for). */
  readonly total: number;
}

/** How training moves the images in an epoch. */
export interface Moved {
  readonly seed: number;
  readonly epoch: number;
}

/** One image: of a data set, or 32 × 32 × 3 bytes of a picture (`readPicture`). */
export type ImageChoice =
  | { readonly data: string; readonly split: SplitName; readonly index: number }
  | { readonly pixels: Uint8Array };

/** A run to begin: what is typed for `table6 train`. */
export interface RunRequest {
  readonly arch: string;
  readonly recipe?: RecipeName;
  readonly overrides?: ConfigOverrides;
}

export interface Estimate {
  readonly device: DeviceFacts;
  /** Measured with this network and batch. */
  readonly imagesPerSecond: number;
  /** Of the whole run, evaluations included. */
  readonly seconds: number;
  readonly iterations: number;
  /** Parameters, maps and gradients while it trains. */
  readonly memoryBytes: number;
  /** Of the finished run folder. */
  readonly diskBytes: number;
  /** What the browser still lets the page store; absent where it does not say. */
  readonly freeBytes?: number;
}

export type RunState =
  /** Steps are being done. */
  | 'training'
  /** In memory, waiting; saved. */
  | 'paused'
  /** Not in memory. */
  | 'stopped';

export interface RunFacts {
  readonly run: string;
  readonly state: RunState;
  readonly config: TrainConfig;
  readonly summary?: RunSummary;
  /** `last`, `best`, `epoch-010` ... */
  readonly checkpoints: readonly string[];
  /** Whether there are steps left, and no other tab is training it. */
  readonly canGoOn: boolean;
  /** Why it cannot be read or gone on with. */
  readonly problem?: string;
}

/** Everything of a run that a page draws. */
export interface RunContent extends RunFacts {
  readonly environment: RunEnvironment;
  readonly metrics: readonly MetricsRecord[];
}

/** What a reader says of weights that do not say it themselves. */
export interface WeightsFacts {
  readonly arch?: string;
  readonly shortcut?: ShortcutOption;
  readonly key?: string;
  readonly normalization?: NormalizationKind;
  /** The images that some normalisations are made from. */
  readonly data?: string;
}

/** Weights, wherever they are. */
export type ModelSource =
  | { readonly from: 'run'; readonly run: string; readonly checkpoint?: string }
  /** As they are at this moment, between two steps. */
  | { readonly from: 'training'; readonly run: string }
  | ({ readonly from: 'file'; readonly file: Blob; readonly name: string } & WeightsFacts)
  | ({ readonly from: 'address'; readonly address: string } & WeightsFacts)
  /** Untrained. */
  | {
      readonly from: 'random';
      readonly arch: string;
      readonly shortcut?: 'A' | 'B';
      readonly seed: number;
    };

export interface ModelFacts {
  /** Names it in requests; the same source gives the same name and replaces the weights. */
  readonly model: string;
  readonly title: string;
  readonly arch: string;
  readonly shortcut: ShortcutOption;
  readonly parameters: number;
  readonly classes: readonly string[];
  readonly normalization: string;
  /** What was assumed of the weights, and what of it may be said otherwise (`WeightsFacts`). */
  readonly notices: readonly WeightsNotice[];
  /** Of the checkpoint, where it says so. */
  readonly epochs?: number;
  readonly error?: number;
  /** Steps done, of weights that are in training. */
  readonly iteration?: number;
}

export interface Evaluation extends EvaluationReport {
  readonly classes: readonly string[];
  /** `cells[label][predicted]`: which images of the split are counted there. */
  readonly cells: readonly (readonly (readonly number[])[])[];
  /** What people should know of how the classes of images and weights fit. */
  readonly notice?: string;
}

export interface Probability {
  readonly index: number;
  readonly name: string;
  readonly probability: number;
}

export interface ExportedFile {
  readonly name: string;
  readonly file: Blob;
  /** What the format leaves behind. */
  readonly notices: readonly string[];
}

/** Each request: what is asked, and what is answered. */
export interface Commands {
  /** Once, first. */
  tab: { ask: unknown; answer: TabFacts };
  /** Opens what computes, or says what is open already. A run in progress keeps its device. */
  device: {
    ask: { readonly device: DeviceChoice; readonly threads?: number };
    answer: DeviceFacts;
  };

  loadData: { ask: { readonly source: DataSource }; answer: DataFacts };
  /** Data sets in the browser's storage. */
  keptData: { ask: unknown; answer: readonly DataFacts[] };
  forgetData: { ask: { readonly data: string }; answer: undefined };
  images: {
    ask: {
      readonly data: string;
      readonly split: SplitName;
      /** These, or `count` from `from` on, of one class or of all. */
      readonly indices?: readonly number[];
      readonly label?: number;
      readonly from?: number;
      readonly count?: number;
      readonly moved?: Moved;
    };
    answer: Images;
  };
  /** A picture of any size, upright, as the network sees it: 32 × 32 × 3 bytes. */
  readPicture: { ask: { readonly picture: Blob }; answer: { readonly pixels: Uint8Array } };

  /** Trains for about two seconds, throws that away, and says what the run would take. */
  estimate: { ask: { readonly run: RunRequest; readonly data: string }; answer: Estimate };
  /** Begins runs on the same data; several take turns, step by step. Answers when they have begun. */
  start: {
    ask: { readonly runs: readonly RunRequest[]; readonly data: string; readonly paused?: boolean };
    answer: { readonly runs: readonly string[] };
  };
  /** Stops after the step that is running, and saves. */
  pause: { ask: unknown; answer: undefined };
  /** One step of every run that is paused. */
  step: { ask: unknown; answer: undefined };
  /** Goes on after `pause`. */
  resume: { ask: unknown; answer: undefined };
  /** Saves and lets go of the runs; they can be gone on with. */
  stop: { ask: unknown; answer: undefined };
  /** Goes on with runs from their folders. `data` where the browser does not keep theirs. */
  goOn: {
    ask: {
      readonly runs: readonly string[];
      readonly data?: string;
      readonly paused?: boolean;
      /** A checkpoint instead of the last one (`states`); what comes after it is cut off. */
      readonly from?: string;
    };
    answer: { readonly runs: readonly string[] };
  };
  /** The whole states that a run can go on from, the newest first. */
  states: { ask: { readonly run: string }; answer: readonly NamedState[] };
  /** From the next step on the schedule's rate is multiplied by `factor` (1: the schedule itself). */
  setRateFactor: { ask: { readonly run: string; readonly factor: number }; answer: undefined };
  /** Saves what is training now; the page asks when it is hidden. */
  save: { ask: unknown; answer: undefined };

  runs: { ask: unknown; answer: readonly RunFacts[] };
  readRun: { ask: { readonly run: string }; answer: RunContent };
  removeRun: { ask: { readonly run: string }; answer: undefined };
  /** A zip that is a run folder: `table6 train --resume` goes on with it. */
  exportRun: { ask: { readonly run: string }; answer: ExportedFile };
  importRun: { ask: { readonly file: Blob; readonly name: string }; answer: RunFacts };

  loadModel: { ask: { readonly source: ModelSource }; answer: ModelFacts };
  exportModel: {
    ask: { readonly model: string; readonly format: ExportFormat };
    answer: ExportedFile;
  };
  evaluate: {
    ask: {
      readonly model: string;
      readonly data: string;
      readonly split?: SplitName;
      readonly worst?: number;
    };
    answer: Evaluation;
  };
  /** All classes, likeliest first. */
  classify: {
    ask: { readonly model: string; readonly image: ImageChoice };
    answer: readonly Probability[];
  };
  /** The blocks that can be looked into, in order. */
  blocks: { ask: { readonly model: string }; answer: readonly BlockName[] };
  maps: {
    ask: { readonly model: string; readonly image: ImageChoice; readonly block: string };
    answer: BlockMaps;
  };
  pixel: {
    ask: {
      readonly model: string;
      readonly image: ImageChoice;
      readonly convolution: string;
      readonly row: number;
      readonly column: number;
      readonly channel: number;
    };
    answer: PixelArithmetic;
  };
  /** Of the first convolution: count × 3 × 3 × 3, rows from the top, the colours of a weight together. */
  filters: {
    ask: { readonly model: string };
    answer: { readonly count: number; readonly values: Float32Array<ArrayBuffer> };
  };
  responses: { ask: { readonly model: string }; answer: readonly LayerResponse[] };
}

export type {
  BlockMaps,
  BlockName,
  FeatureMap,
  PixelArithmetic,
} from '../../experiment/feature-maps.ts';

export type CommandName = keyof Commands;
export type Ask<K extends CommandName> = Commands[K]['ask'];
export type Answer<K extends CommandName> = Commands[K]['answer'];

/** From the page. */
export type Request = {
  [K in CommandName]: { readonly id: number; readonly kind: K; readonly ask: Ask<K> };
}[CommandName];

/** How far a request has come that takes long. */
export interface Progress {
  /** `unpack`, `decode`, `evaluate`, `measure` ... */
  readonly what: string;
  readonly done: number;
  readonly total?: number;
}

/** What is told without being asked. */
export type WorkerEvent =
  /**
   * What training said since the last such message, in order. At most ten messages a second for all
   * runs together; every step is in one of them, and of an evaluation's progress the latest.
   */
  | { readonly kind: 'training'; readonly runs: readonly RunNews[] }
  /** A run has begun, paused, gone on or ended. `error` says why it ended, where it was not the end. */
  | {
      readonly kind: 'run';
      readonly run: string;
      readonly state: RunState;
      readonly error?: WorkerError;
    };

export interface RunNews {
  readonly run: string;
  readonly events: readonly TrainEvent[];
  /** What the notebook prints of them. */
  readonly log: readonly string[];
}

/** From the worker. */
export type Message =
  | { readonly kind: 'ready'; readonly lock?: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer<CommandName> }
  | { readonly kind: 'error'; readonly id: number; readonly error: WorkerError }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly kind: 'event'; readonly event: WorkerEvent };
