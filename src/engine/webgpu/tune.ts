// Tuning: which tile shapes are fastest on this device. A small network with the same shapes is
// compiled once for each candidate and its kernels are timed by the device's clock; each shape keeps
// its fastest tile. Results are the same for any tile up to rounding, but not bit for bit, so a run's
// bits depend on the choice: it is cached for each adapter and driver, saved with a run, and can be
// turned off.

import { createBatch } from '../../data/batches.ts';
import { createNetwork } from '../../nn/network.ts';
import type { BatchInputs } from '../backend.ts';
import { lowerInference } from '../lower-infer.ts';
import { lowerTraining } from '../lower-train.ts';
import type { Program } from '../program.ts';
import { chooseTiles, firstTile, type TileCandidates } from './candidates.ts';
import { type CompiledProgram, compileKernels } from './compile.ts';
import type { TileChoice } from './context.ts';
import type { Device } from './device.ts';
import { createExecutable, type WebGpuExecutable } from './executable.ts';
import type { StorageFormat } from './storage.ts';

/** Keeps choices between processes. */
export interface TileCache {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
}

/** Changes whenever kernels change so much that old measurements mean nothing. */
const KERNELS_VERSION = 4;
/** Times that each candidate is timed in a pass, and passes over all of them. */
const [REPEATS, PASSES] = [3, 2];
/** Milliseconds; and the share of the fastest time so far that still counts as getting faster. */
const WARM_UP = { stretch: 100, least: 600, most: 2000, gain: 0.97 } as const;

/** The chosen tile in words (`tileName`), by tile key. */
export type NamedTiles = Readonly<Record<string, string>>;

/**
 * The fastest tiles for a program's shapes, measured or remembered.
 * @returns none, which means the default ones, where the device has no clock to measure with
 */
export async function tuneTiles(
  device: Device,
  program: Program,
  format: StorageFormat,
  candidates: TileCandidates,
  cache?: TileCache,
): Promise<NamedTiles> {
  if (!device.gpu.features.has('timestamp-query')) return {};
  const { name, driver, vendor, architecture } = device.facts;
  const { network, mode, batchSize } = program;
  const key = [
    `v${KERNELS_VERSION}`,
    [vendor, architecture, name, driver].join(' '),
    [network.arch.startsWith('plain') ? 'plain' : 'resnet', network.shortcut, mode],
    [batchSize, format],
    candidates.name === '' ? [] : [candidates.name],
  ]
    .flat()
    .join(', ');
  const known = parseTexts(await cache?.get(key));
  if (known) return known;
  const tiles = await measure(device, surrogate(program), format, candidates);
  await cache?.set(key, JSON.stringify(tiles));
  return tiles;
}

/**
 * The tiles of these names, and the default ones where there is no name, or none such any more: a cache or
 * a checkpoint of an older version may name tiles that are no longer made (products of convolutions on
 * tensor cores, say), and then a resumed run goes on with others, whose sums round differently.
 */
export function tilesNamed(names: NamedTiles, candidates: TileCandidates): TileChoice {
  return chooseTiles(
    candidates,
    (key, tiles) => tiles.find((tile) => tileName(tile) === names[key]) ?? firstTile(key, tiles),
  );
}

/** `rows 16, columns 16 ...` */
export function tileName(tile: object): string {
  return Object.entries(tile)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(', ');
}

/** A network of two blocks a stage has every shape that a deeper one has. */
function surrogate({ network, mode, batchSize }: Program): Program {
  const arch = network.arch.startsWith('plain') ? 'plain14' : 'resnet14';
  const shortcut = network.arch.startsWith('plain') ? undefined : network.shortcut;
  const small = createNetwork(arch, { shortcut, classes: network.classes });
  return mode === 'train'
    ? lowerTraining(small, { batchSize, memory: 'keep' })
    : lowerInference(small, { batchSize });
}

/**
 * Times every candidate. An idle GPU lowers its clocks, which changes times more than any tile does: on an
 * H100, candidates that were timed after a pause to compile them took three to four times too long. So
 * everything is compiled first, the device is kept busy until it is no longer getting faster, and then
 * the candidates are timed without a pause between them, in several passes of which the best counts.
 */
async function measure(
  device: Device,
  program: Program,
  format: StorageFormat,
  candidates: TileCandidates,
): Promise<NamedTiles> {
  const rounds = compileRounds(program, format, candidates);
  await Promise.all(
    rounds.flatMap(({ compiled }) => compiled.body.map((kernel) => device.pipeline(kernel))),
  );
  const batch = dummyBatch(program);
  const best = new Map<string, { tile: string; milliseconds: number }>();
  for (let pass = 0; pass < PASSES; pass++) {
    for (const [index, { picked, compiled }] of rounds.entries()) {
      const executable = await createExecutable(device, program, compiled);
      await executable.run(batch);
      if (pass === 0 && index === 0) await warmUp(executable, batch);
      const times = new Map<string, number[]>();
      for (let repeat = 0; repeat < REPEATS; repeat++) {
        const step = new Map<string, number>();
        for (const { tileKey, milliseconds } of await executable.time(batch)) {
          if (tileKey !== undefined) step.set(tileKey, (step.get(tileKey) ?? 0) + milliseconds);
        }
        for (const [key, sum] of step) times.set(key, [...(times.get(key) ?? []), sum]);
      }
      await executable.dispose();
      for (const [key, samples] of times) {
        const milliseconds = Math.min(...samples);
        const known = best.get(key);
        if (known && known.milliseconds <= milliseconds) continue;
        best.set(key, { tile: picked.get(key)!, milliseconds });
      }
    }
  }
  return Object.fromEntries([...best].map(([key, { tile }]) => [key, tile]));
}

/** A program compiled with one candidate for every shape, and which. */
interface Round {
  readonly picked: ReadonlyMap<string, string>;
  readonly compiled: CompiledProgram;
}

/** As many as the shape with the most candidates has of them; shapes with fewer begin again. */
function compileRounds(
  program: Program,
  format: StorageFormat,
  candidates: TileCandidates,
): Round[] {
  const rounds: Round[] = [];
  let most = 1;
  for (let round = 0; round < most; round++) {
    const picked = new Map<string, string>();
    const tiles = chooseTiles(candidates, (key, all) => {
      most = Math.max(most, all.length);
      const tile = all[round % all.length]!;
      picked.set(key, tileName(tile));
      return tile;
    });
    rounds.push({ picked, compiled: compileKernels(program, { tiles, format }) });
  }
  return rounds;
}

/** Runs steps until some in a row are no faster than those before, or long enough. */
async function warmUp(executable: WebGpuExecutable, batch: BatchInputs): Promise<void> {
  const begin = performance.now();
  let fastest = Number.POSITIVE_INFINITY;
  for (;;) {
    const start = performance.now();
    let steps = 0;
    do {
      const together = Array.from({ length: executable.stepsInFlight }, () =>
        executable.run(batch),
      );
      await Promise.all(together);
      steps += together.length;
    } while (performance.now() - start < WARM_UP.stretch);
    const each = (performance.now() - start) / steps;
    const elapsed = performance.now() - begin;
    const steady = each > WARM_UP.gain * fastest && elapsed >= WARM_UP.least;
    if (steady || elapsed >= WARM_UP.most) return;
    fastest = Math.min(fastest, each);
  }
}

function dummyBatch({ batchSize }: Program): BatchInputs {
  const batch = createBatch(batchSize);
  batch.images.fill(100);
  const sgd = { learningRate: 0, momentum: 0, weightDecay: 0 };
  return { ...batch, count: batchSize, augmentation: batch.augmentation.fill(4), sgd };
}

/** A table of texts, if that is what the JSON holds: remembered tiles, and the file that they are in. */
export function parseTexts(json: string | undefined): Record<string, string> | undefined {
  if (json === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(json);
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    const areTexts = Object.values(parsed).every((text) => typeof text === 'string');
    return areTexts ? (parsed as Record<string, string>) : undefined;
  } catch {
    return undefined;
  }
}
