// Feature maps as chapter 6 shows them: which there are in a block, one channel of them, and how large
// their numbers are. Values come as the worker sends them: the channels of a pixel together.

import type { BlockMaps, FeatureMap } from '../../worker/protocol.ts';

/** The places of a block that have maps, in the order of the computation. */
export type Stage = 'input' | 'middle' | 'residual' | 'shortcut' | 'output';

/** Those that a block has, with its maps. */
export function stagesOf(maps: BlockMaps): (readonly [Stage, FeatureMap])[] {
  const { input, middle, residual, shortcut, output } = maps;
  const all = { input, middle, residual, shortcut, output };
  return (Object.entries(all) as [Stage, FeatureMap | undefined][]).flatMap(([stage, map]) =>
    map ? [[stage, map] as const] : [],
  );
}

/** One channel: size × size values, rows from the top. */
export function channelOf(
  { size, channels, values }: FeatureMap,
  channel: number,
): Float32Array<ArrayBuffer> {
  const plane = new Float32Array(size * size);
  for (let i = 0; i < plane.length; i++) plane[i] = values[i * channels + channel]!;
  return plane;
}

/**
 * What gets the full colour: all but the largest half per cent of the numbers are below it, so that
 * one bright pixel does not leave everything else dark. 1 where all are zero.
 */
export function limitOf(maps: readonly Pick<FeatureMap, 'values'>[]): number {
  const sizes = new Float32Array(maps.reduce((sum, { values }) => sum + values.length, 0));
  let at = 0;
  for (const { values } of maps) for (const value of values) sizes[at++] = Math.abs(value);
  sizes.sort();
  const limit = sizes[Math.floor((sizes.length - 1) * 0.995)] ?? 0;
  return limit > 0 && Number.isFinite(limit) ? limit : sizes.at(-1) || 1;
}

/** How maps are laid out in a grid: as square as it gets. */
export function gridOf(channels: number): { readonly columns: number; readonly rows: number } {
  const columns = channels <= 4 ? channels : 2 ** Math.ceil(Math.log2(Math.sqrt(channels)));
  return { columns, rows: Math.ceil(channels / columns) };
}

/** Share of zeros: what ReLU has cut off. */
export function zerosOf({ values }: FeatureMap): number {
  let zeros = 0;
  for (const value of values) if (value === 0) zeros++;
  return zeros / values.length;
}
