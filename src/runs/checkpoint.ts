// Checkpoints as safetensors files. Weights and running statistics have PyTorch's names, so other
// tools read them; what belongs to them (network, class names, normalisation, recipe, epoch) is in
// the metadata, so a file is enough to evaluate. `last` also holds the momentum, under a prefix, the
// progress, and what the engine goes on from (loss scale, tiles): all of a training state in one file,
// which a rename replaces at once. Whoever writes or reads a file gives it or checks its checksum
// (interop/safetensors/seal.ts); here is only what is in it.

import * as z from 'zod/mini';
import { IMAGE_BYTES, IMAGE_CHANNELS } from '../data/dataset.ts';
import type { Normalization } from '../data/normalization.ts';
import { sha256Hex } from '../formats/sha256.ts';
import {
  fromNamedTensors,
  readSafetensors,
  toNamedTensors,
  writeSafetensors,
} from '../interop/safetensors/safetensors.ts';
import { parseTrainConfig, type TrainConfig } from '../train/config.ts';
import { normalizationKindSchema } from '../train/normalization-schema.ts';
import { executableStatesSchema, progressSchema, type TrainingState } from '../train/state.ts';
import { check, problemText } from '../util/check.ts';
import { messageOf, UserError } from '../util/errors.ts';
import type { NamedTensors } from '../util/tensor.ts';
import { type SessionRecord, sessionSchema } from './summary.ts';

const FORMAT = 'table6';
const VERSION = '1';
/** No PyTorch name begins like this. */
const MOMENTUM_PREFIX = 'optimizer.momentum.';

const normalizationSchema = z.strictObject({
  kind: normalizationKindSchema,
  mean: z.array(z.number()).check(
    z.refine(({ length }) => length === IMAGE_CHANNELS || length === IMAGE_BYTES, {
      message: `there must be ${IMAGE_CHANNELS} or ${IMAGE_BYTES} means`,
    }),
  ),
  deviation: z.array(z.number().check(z.positive())).check(z.length(IMAGE_CHANNELS)),
});
const classesSchema = z.array(z.string()).check(z.minLength(2));
const errorSchema = z.number().check(z.minimum(0), z.maximum(1));
const wholeSchema = z.int().check(z.minimum(0));

/** What a weights file of this program says about itself. */
export interface CheckpointFacts {
  readonly config: TrainConfig;
  readonly classes: readonly string[];
  readonly normalization: Normalization;
  /** Epochs that were trained completely. */
  readonly epochs: number;
  /** Top-1 test error of these very weights, a fraction; absent where they were not evaluated. */
  readonly error?: number;
}

export interface LoadedWeights {
  /** Parameters and running statistics. */
  readonly weights: NamedTensors;
  /** Undefined for files of other programs. */
  readonly facts?: CheckpointFacts;
  /** What the file says beside its tensors, as it is written there. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What belongs to a state in the other files of its run. */
export interface StateContext {
  /** Length of metrics.jsonl when the state was taken. */
  readonly metricsBytes: number;
  /** CRC-32 of that much of it; older versions wrote none. */
  readonly metricsCrc?: number;
  /** The run's first session, which says on what data and what machine it began. */
  readonly origin?: SessionRecord;
}

export interface LoadedState extends StateContext {
  readonly state: TrainingState;
}

/** A file with weights alone, as `best` and `epoch-010` are. */
export function encodeWeights(state: TrainingState): Uint8Array {
  return writeSafetensors(fromNamedTensors(state.weights), factsOf(state));
}

/** The keys that a file with weights alone has. */
export const FACT_KEYS = [
  ...['format', 'version', 'arch', 'recipe', 'epochs', 'error', 'config', 'classes'],
  'normalization',
] as const;

/** A file with everything that training goes on from, as `last` is. */
export function encodeState(
  state: TrainingState,
  metricsBytes: number,
  { metricsCrc, origin }: Omit<StateContext, 'metricsBytes'> = {},
): Uint8Array {
  const tensors: NamedTensors = new Map(state.weights);
  for (const [name, tensor] of state.momentum) tensors.set(MOMENTUM_PREFIX + name, tensor);
  return writeSafetensors(fromNamedTensors(tensors), {
    ...factsOf(state),
    ...(state.executables && { executables: JSON.stringify(state.executables) }),
    progress: JSON.stringify(state.progress),
    metricsBytes: String(metricsBytes),
    ...(metricsCrc !== undefined && { metricsCrc: String(metricsCrc) }),
    ...(origin && { origin: JSON.stringify(origin) }),
  });
}

function factsOf(state: TrainingState): Record<string, string> {
  const { config, progress } = state;
  const { final } = progress.result;
  // In the middle of an epoch the weights are no longer those that were evaluated.
  const isEvaluated = final?.epoch === progress.epoch - 1 && progress.batch === 0;
  return {
    format: FORMAT,
    version: VERSION,
    arch: config.arch,
    recipe: config.recipe,
    epochs: String(progress.epoch),
    ...(isEvaluated && { error: String(final.error) }),
    config: JSON.stringify(config),
    classes: JSON.stringify(state.classes),
    normalization: JSON.stringify(state.normalization),
  };
}

/**
 * Reads the weights of any checkpoint, or of a safetensors file of another program.
 * @param where how an error calls the file
 * @throws UserError if it is damaged
 */
export function decodeWeights(bytes: Uint8Array, where: string): LoadedWeights {
  const { tensors, metadata } = read(bytes, where);
  const weights: NamedTensors = new Map();
  for (const [name, tensor] of tensors) {
    if (!name.startsWith(MOMENTUM_PREFIX)) weights.set(name, tensor);
  }
  if (metadata.format !== FORMAT) return { weights, metadata };
  checkVersion(metadata, where);
  return {
    weights,
    metadata,
    facts: {
      config: parseTrainConfig(json(metadata, 'config', where), where),
      classes: parse(classesSchema, metadata, 'classes', where),
      normalization: parse(normalizationSchema, metadata, 'normalization', where),
      epochs: parse(wholeSchema, metadata, 'epochs', where),
      ...(metadata.error !== undefined && {
        error: parse(errorSchema, metadata, 'error', where),
      }),
    },
  };
}

/** The normalisation in a file's metadata, where it has one in this program's form. */
export function readNormalization(
  metadata: Readonly<Record<string, string>>,
): Normalization | undefined {
  return maybe(normalizationSchema, metadata.normalization);
}

/** The class names in a file's metadata, likewise. */
export function readClasses(
  metadata: Readonly<Record<string, string>>,
): readonly string[] | undefined {
  return maybe(classesSchema, metadata.classes);
}

function maybe<T>(schema: z.ZodMiniType<T>, text = ''): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * Reads a complete training state.
 * @throws UserError if the file is damaged or has weights alone
 */
export function decodeState(bytes: Uint8Array, where: string): LoadedState {
  const { weights, facts } = decodeWeights(bytes, where);
  const { tensors, metadata } = read(bytes, where);
  if (!facts || metadata.progress === undefined) {
    throw new UserError(
      `${where} has weights but no training state: training can only go on from a run's "last" checkpoint.`,
    );
  }
  const momentum: NamedTensors = new Map();
  for (const [name, tensor] of tensors) {
    if (name.startsWith(MOMENTUM_PREFIX)) momentum.set(name.slice(MOMENTUM_PREFIX.length), tensor);
  }
  const { config, classes, normalization } = facts;
  const progress = parse(progressSchema, metadata, 'progress', where);
  // Absent on the CPU, and in checkpoints that are older than it.
  const executables =
    metadata.executables === undefined
      ? undefined
      : parse(executableStatesSchema, metadata, 'executables', where);
  return {
    state: { config, classes, normalization, weights, momentum, executables, progress },
    metricsBytes: parse(wholeSchema, metadata, 'metricsBytes', where),
    ...(metadata.metricsCrc !== undefined && {
      metricsCrc: parse(wholeSchema, metadata, 'metricsCrc', where),
    }),
    ...(metadata.origin !== undefined && {
      origin: parse(sessionSchema, metadata, 'origin', where),
    }),
  };
}

/**
 * SHA-256 of parameters and running statistics, their names and shapes, and nothing else: two runs
 * that trained the same weights have the same.
 */
export async function weightsSha256(weights: NamedTensors): Promise<string> {
  return sha256Hex(writeSafetensors(fromNamedTensors(weights)));
}

function read(bytes: Uint8Array, where: string) {
  try {
    const { tensors, metadata } = readSafetensors(bytes);
    return { tensors: toNamedTensors(tensors), metadata };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${where} is ${error.message}.`, { cause: error });
  }
}

function checkVersion(metadata: Record<string, string>, where: string): void {
  if (metadata.version === VERSION) return;
  throw new UserError(
    `${where} was written by another version of table6 (format ${metadata.version}, this one reads ${VERSION}): use that version.`,
  );
}

function json(metadata: Record<string, string>, key: string, where: string): unknown {
  try {
    return JSON.parse(metadata[key] ?? '');
  } catch (error) {
    throw new UserError(`${where} is damaged: its "${key}" cannot be read (${messageOf(error)}).`);
  }
}

function parse<T>(
  schema: z.ZodMiniType<T>,
  metadata: Record<string, string>,
  key: string,
  where: string,
): T {
  const { data, problem } = check(schema, json(metadata, key, where));
  if (problem === undefined) return data;
  throw new UserError(`${where} is damaged: its "${key}" is not valid (${problemText(problem)}).`);
}
