// This chapter's sentences with numbers in them.

import type { TrainConfig } from '../../../train/config.ts';
import { formatBytes, formatCount, formatRate } from '../../../util/format.ts';
import { sum } from '../../../util/statistics.ts';
import { isSynthetic } from '../../shared/chosen-data.ts';
import type { TabRun } from '../../shared/tab-run.svelte.ts';
import type {
  DataFacts,
  DeviceFacts,
  Estimate,
  RunFacts,
  TabFacts,
} from '../../worker/protocol.ts';

/** How a run is gone on with, where it is not simply from its last checkpoint. */
export interface GoOn {
  /** The learning rate is divided by this from now on. */
  readonly slower?: number;
  /** Images, where the run's own are not here. */
  readonly data?: string;
  /** A checkpoint by name. */
  readonly from?: string;
}

/** 45 → `45 seconds`, 150 → `2½ minutes`, 5400 → `1½ hours`; for what is not known exactly. */
export function aboutTime(seconds: number): string {
  if (seconds < 90) return counted(Math.max(1, Math.round(seconds)), 'second');
  if (seconds < 90 * 60) return counted(halves(seconds / 60), 'minute');
  if (seconds < 36 * 3600) return counted(halves(seconds / 3600), 'hour');
  return counted(Math.round(seconds / 86400), 'day');
}

/** To halves below ten. */
const halves = (value: number) => (value < 10 ? Math.round(value * 2) / 2 : Math.round(value));

function counted(count: number, noun: string): string {
  const whole = Math.floor(count);
  const number = count === whole ? formatCount(count) : `${whole === 0 ? '' : whole}½`;
  return `${number} ${noun}${count === 1 ? '' : 's'}`;
}

/** `2,000 images (10 classes), 500 to test` */
export function dataSize({ train, test }: Pick<DataFacts, 'train' | 'test'>): string {
  const total = (counts: readonly number[]) => formatCount(sum(counts));
  return `${total(train)} images of ${train.length} kinds to train on, ${total(test)} to test with`;
}

/** How a run is described in one line: `resnet20 on my pictures, recipe fast, 20 epochs, seed 1`. */
export function runLine({ arch, data, recipe, schedule, seed, shortcut }: TrainConfig): string {
  const length = `${formatCount(schedule.length)} ${schedule.unit === 'epochs' ? 'epochs' : 'steps'}`;
  const variant = shortcut === 'B' ? ' with shortcut B' : '';
  const images = isSynthetic(data) ? 'synthetic images' : data;
  return `${arch}${variant} on ${images}, recipe ${recipe}, ${length}, seed ${seed}`;
}

export function deviceName({ kind, threads }: DeviceFacts): string {
  if (kind === 'webgpu') return 'your GPU';
  return threads === 1 ? 'one thread of your CPU' : `${threads} threads of your CPU`;
}

/** The measurement in a sentence. */
export function estimateSentence(estimate: Estimate): string {
  const { device, imagesPerSecond, seconds, iterations, memoryBytes, diskBytes, freeBytes } =
    estimate;
  const free = freeBytes === undefined ? '' : ` of the ${formatBytes(freeBytes)} that are free`;
  return `On ${deviceName(device)} this network learns from about ${formatRate(imagesPerSecond)} images a second. The run has ${formatCount(iterations)} steps and takes about ${aboutTime(seconds)}, evaluations included, ${formatBytes(memoryBytes)} of memory and ${formatBytes(diskBytes)}${free} in the browser's storage.`;
}

/** What this tab has to compute with, and what it lacks. */
export function tabSentence({ cores, isolated, gpu }: TabFacts): string {
  const cpu = isolated
    ? `This tab may use ${counted(cores, 'core')} of your CPU.`
    : 'This tab may use one core of your CPU only, because the page is not isolated from others (its server sends no such headers, and the browser lets no service worker do it).';
  const sentences = {
    real: ' There is a GPU that it may use.',
    software:
      ' Its WebGPU is drawn by software, which is slower than the CPU: it is not taken by itself.',
    none: ' This browser offers it no GPU.',
  } as const;
  return cpu + sentences[gpu];
}

/** Epochs of a run in memory, whose folder is behind. */
export const liveOf = ({ start, step }: Pick<TabRun, 'start' | 'step'>) =>
  start && { epochsDone: step?.epoch ?? start.position.epoch, epochs: start.epochs };

/**
 * How far a run has come.
 * @param live of a run in memory, whose folder is behind
 */
export function progressText(
  { summary, state, problem }: RunFacts,
  live?: { readonly epochsDone: number; readonly epochs: number },
): string {
  if (problem !== undefined) return problem;
  const counted = state === 'stopped' ? summary : (live ?? summary);
  const done = counted ? `${counted.epochsDone} of ${counted.epochs} epochs` : 'not begun';
  if (state === 'training') return `training, ${done}`;
  if (state === 'paused') return `paused, ${done}`;
  const outcomes = {
    complete: 'complete',
    nan: 'loss no longer a number',
    interrupted: 'stopped',
    running: 'cut short',
  } as const;
  return summary ? `${outcomes[summary.outcome]}, ${done}` : done;
}

/** Fewer than this teach a network nothing, however few the images are. */
const FEWEST_STEPS = 150;
const ENOUGH_STEPS = 200;

/**
 * Settings for few images that would be gone through in too few steps: smaller batches, more epochs.
 * @param images to train on
 * @returns nothing where the steps are enough
 */
export function longerRun(
  { iterations }: Pick<Estimate, 'iterations'>,
  images: number,
): { readonly epochs: number; readonly batchSize: number } | undefined {
  if (iterations >= FEWEST_STEPS || images < 1) return undefined;
  const half = 2 ** Math.floor(Math.log2(images / 2));
  const batchSize = Math.min(32, Math.max(4, half));
  return { epochs: Math.ceil(ENOUGH_STEPS / Math.ceil(images / batchSize)), batchSize };
}

/** The longest run of this kind that takes two minutes: epochs, at least one. */
export function epochsInTwoMinutes(estimate: Estimate, epochs: number): number {
  return Math.max(1, Math.floor((epochs * 120) / estimate.seconds));
}
