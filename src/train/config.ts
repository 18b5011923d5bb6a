// A run's configuration, fully resolved: every number that decides what is trained is in it, none
// is left to a default elsewhere. It is written to the run folder's `config.json` and into every
// checkpoint, so that a run can be resumed, repeated and reported from it alone. `experiment/
// recipes.ts` makes one from a recipe's name and what the user typed.

import { z } from 'zod';
import { DEVICE_KINDS } from '../engine/devices.ts';
import { STAGES } from '../nn/network.ts';
import { UserError } from '../util/errors.ts';

/** The recipes that can be named; what they mean is in `experiment/recipes.ts`. */
export const RECIPE_NAMES = ['notebook', 'notebook-as-run', 'paper', 'quick', 'fast'] as const;
export type RecipeName = (typeof RECIPE_NAMES)[number];

/** 'auto' is winograd4. */
export const CONVOLUTIONS = ['auto', 'winograd4', 'winograd2', 'direct'] as const;

/** 'auto' keeps activations where they fit. */
export const MEMORY_MODES = ['auto', 'keep', 'recompute'] as const;

/** 'auto' measures the tile shapes of a GPU's kernels. */
export const TUNE_MODES = ['auto', 'off'] as const;

/** 'auto' takes tensor cores in half precision, where there are any; 'on' insists. */
export const TENSOR_CORE_MODES = ['auto', 'on', 'off'] as const;

/** The last stage that fine-tuning leaves as it was. */
export const FREEZE_CHOICES = ['none', ...STAGES] as const;

const positiveInteger = z.int().min(1);
const rate = z.number().positive().max(1000);

/**
 * A time of a smaller learning rate at the beginning; the rate of the schedule is multiplied by
 * `factor` while it lasts.
 */
const warmupSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  /** The notebook's intention for ResNet-110 and -1202: the first epoch(s). */
  z.strictObject({ kind: z.literal('epochs'), epochs: positiveInteger, factor: rate }),
  /** The paper, section 4.2: until the training error is below `trainError` (0.8). */
  z.strictObject({
    kind: z.literal('until-error'),
    trainError: z.number().min(0).max(1),
    factor: rate,
  }),
  /** What the notebook's code does with PyTorch ≥ 1.4: the factor is never taken back. */
  z.strictObject({ kind: z.literal('whole-run'), factor: rate }),
]);

const scheduleLength = {
  /** What `length` and `milestones` count. */
  unit: z.enum(['epochs', 'iterations']),
  /** Epochs or iterations (batches) in the whole run. */
  length: positiveInteger,
};

/** How the learning rate moves and when training ends. */
const scheduleSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('steps'),
    ...scheduleLength,
    /** The rate is multiplied by `gamma` when this many epochs or iterations are done. */
    milestones: z.array(z.int().min(0)),
    gamma: rate,
    warmup: warmupSchema,
  }),
  /** One-cycle: up to `learningRate`, its peak, and down to zero, both in a straight line. */
  z.strictObject({
    kind: z.literal('one-cycle'),
    ...scheduleLength,
    /** Share of the run until the peak, which is its warm-up. */
    rise: z.number().min(0).max(1),
  }),
]);

export const trainConfigSchema = z.strictObject({
  /** `resnet20`, `plain56` ... */
  arch: z.string().min(1),
  shortcut: z.enum(['A', 'B', 'none']),
  classes: z.int().min(2),
  /** What `--data` was: 'cifar10', 'synthetic' or a path. */
  data: z.string().min(1),
  recipe: z.enum(RECIPE_NAMES),
  /** First epoch to train, counted from 0; earlier ones count as done in the schedule. */
  startEpoch: z.int().min(0),
  batchSize: positiveInteger.max(65536),
  /** What `schedule` begins with; the peak of a one-cycle schedule. */
  learningRate: rate,
  momentum: z.number().min(0).max(1),
  weightDecay: z.number().min(0),
  schedule: scheduleSchema,
  labelSmoothing: z.number().min(0).lt(1),
  seed: z.int().min(0).max(4294967295),
  /** Training images held out for validation; 0 for none. */
  validation: z.int().min(0),
  normalization: z.enum(['imagenet', 'dataset', 'per-pixel-mean']),
  /** Weights that training begins with; null for random ones. */
  initial: z
    .strictObject({
      /** The run or file as it was named. */
      source: z.string().min(1),
      /** Of its parameters and running statistics (`weightsSha256`). */
      sha256: z.string(),
      /** 'all-but-last' for a last layer that is new. */
      layers: z.enum(['all', 'all-but-last']),
      /** Whether its numbers of the normalisation are used too, instead of the training images'. */
      keepsNormalization: z.boolean(),
    })
    .nullable()
    .default(null), // runs that are older than the setting, as below
  /** This stage and those before it do not change, nor do their running statistics. */
  freeze: z.enum(FREEZE_CHOICES).default('none'),
  /** Random crop from the image padded by 4, and mirroring. */
  augment: z.boolean(),
  /** As it was asked for: `webgpu:` is followed by part of a GPU's name. */
  device: z.union([z.enum(DEVICE_KINDS), z.templateLiteral(['webgpu:', z.string().min(1)])]),
  threads: positiveInteger.max(1024),
  /** Algorithm of the CPU's 3×3 convolutions; another one gives other last bits. */
  convolution: z.enum(CONVOLUTIONS),
  /** Keep every activation for the backward pass, or recompute; the bits are the same. */
  memory: z.enum(MEMORY_MODES).default('auto'), // runs that are older than the setting
  /** Mixed precision; an error on a device that cannot do it. */
  half: z.boolean(),
  /** Tile shapes of a GPU's kernels; others give other last bits. */
  tune: z.enum(TUNE_MODES).default('off'),
  /** Whether a GPU's matrix units multiply; only in half precision. */
  tensorCores: z.enum(TENSOR_CORE_MODES).default('off'),
  /** A console line every so many batches. */
  printFreq: positiveInteger,
  /** A line in metrics.jsonl every so many batches (and at the last of an epoch). */
  metricsEvery: positiveInteger,
  /** A checkpoint that is kept (`epoch-010`) every so many epochs; 0 for none. */
  saveEvery: z.int().min(0),
  /** `last` is saved at least this often, so that a crash loses no more. Seconds; 0 for never. */
  checkpointSeconds: z.number().min(0),
  /** `last` is also saved every so many steps; 0 for never. */
  checkpointSteps: z.int().min(0),
  /** At most this many batches an epoch and an evaluation, for trying things out; 0 for all. */
  limitBatches: z.int().min(0),
});

export type TrainConfig = z.infer<typeof trainConfigSchema>;
export type ScheduleConfig = TrainConfig['schedule'];
export type WarmupConfig = z.infer<typeof warmupSchema>;

/**
 * Settings that may differ after a resume, because they do not change the weights; another device
 * changes their last bits, which is better than a run that only one machine can finish.
 */
export const RESUMABLE_SETTINGS = [
  'device',
  'threads',
  'memory',
  'printFreq',
  'saveEvery',
  'checkpointSeconds',
  'checkpointSteps',
] as const satisfies readonly (keyof TrainConfig)[];

/**
 * Checks what claims to be a configuration.
 * @param where how an error calls it, such as a file's path
 * @throws UserError naming the first setting that is wrong
 */
export function parseTrainConfig(value: unknown, where = 'The configuration'): TrainConfig {
  const result = trainConfigSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const setting = issue?.path.join('.') || 'the whole';
  throw new UserError(`${where} is not a valid configuration: ${setting}: ${issue?.message}.`, {
    exitCode: 2,
  });
}
