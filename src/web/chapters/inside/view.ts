// What chapter 6 keeps in the address: the network, the image, the block and the pixel.

import { flag, number, oneOf, text } from '../../shared/address.ts';
import { addressState } from '../../shared/router.svelte.ts';

const whole = { min: 0, max: 1e6, whole: true };

export const view = addressState('inside', {
  /** See `source.ts`; '' for what another chapter has loaded, else an untrained network. */
  model: text(),
  split: oneOf(['test', 'train'], 'test'),
  image: number(0, whole),
  block: text('layer1.0'),
  /** The last part of a convolution's name. */
  conv: oneOf(['conv1', 'conv2', 'shortcut'], 'conv2'),
  channel: number(3, whole),
  /** Of the pixel, in picture pixels: the same place in maps of any size. */
  row: number(14, { min: 0, max: 31, whole: true }),
  column: number(14, { min: 0, max: 31, whole: true }),
  /** The input channel that is looked at. */
  from: number(0, whole),
  /** Whether a network in training is looked at again and again. */
  follow: flag(true),
  /** See `source.ts`: what the responses are compared with; '' for the counterpart. */
  against: text(),
});

/** From picture pixels to those of a map, and back. */
export const toMap = (at: number, size: number) => Math.floor((at * size) / 32);
export const toPicture = (at: number, size: number) => Math.floor(((at + 0.5) * 32) / size);

/** The part of a convolution's name that the address keeps. */
export function convOf(convolution: string): 'conv1' | 'conv2' | 'shortcut' {
  const last = convolution.split('.').at(-1);
  return last === 'conv1' || last === 'conv2' ? last : 'shortcut';
}
