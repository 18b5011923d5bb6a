// Operands that are made while they are read: one image at a time is brought into scratch, with
// batch norm, ReLU and shortcut (or batch norm's backward formula) applied on the way.

import { IMAGE_SIZE } from '../../../data/dataset.ts';
import type { Activation, ConvolutionGeometry, OutputGradient } from '../../program.ts';
import { interiorOffset } from '../kernels/image.ts';
import { inputImage } from '../kernels/input-image.ts';
import { stage as stageKernel } from '../kernels/stage.ts';
import { type Context, normAddresses } from './context.ts';

/** Writes one image's operand to `target`: the base of a padded image, or a dense one. */
export type StageImage = (image: number, target: number) => void;

export interface ImageShape {
  readonly size: number;
  readonly channels: number;
}

/** How an activation is made; `destination` says in which form. */
export function stageActivation(
  context: Context,
  activation: Activation,
  { size, channels }: ImageShape,
  destination: 'padded' | 'dense',
): StageImage {
  const shape = { height: size, width: size, channels, destination } as const;
  const inner = destination === 'padded' ? interiorOffset(size, channels) : 0;
  switch (activation.kind) {
    case 'image':
      return stageBytes(context);
    case 'buffer': {
      const x = context.images(activation.x);
      const stage = context.kernel(stageKernel({ ...shape, staging: 'copy', keep: false }));
      return (image, target) => stage(target + inner, 0, x.at(image), 0, 0, 0);
    }
    case 'normalized': {
      const y = context.images(activation.y);
      const coefficients = normAddresses(context, activation.norm).forward;
      const { shortcut } = activation;
      const keeps = activation.keep !== undefined;
      const keep = activation.keep === undefined ? undefined : context.images(activation.keep);
      const keepAt = (image: number) => (keep ? keep.at(image) : 0);
      if (!shortcut) {
        const stage = context.kernel(stageKernel({ ...shape, staging: 'normRelu', keep: keeps }));
        return (image, target) =>
          stage(target + inner, keepAt(image), y.at(image), 0, coefficients, 0);
      }
      if (shortcut.kind === 'projection') {
        const b = context.images(shortcut.y);
        const shortcutCoefficients = normAddresses(context, shortcut.norm).forward;
        const stage = context.kernel(
          stageKernel({ ...shape, staging: 'normProjectRelu', keep: keeps }),
        );
        return (image, target) =>
          stage(
            target + inner,
            keepAt(image),
            y.at(image),
            b.at(image),
            coefficients,
            shortcutCoefficients,
          );
      }
      const b = context.images(shortcut.x);
      const staged =
        shortcut.kind === 'identity'
          ? ({ staging: 'normAddRelu' } as const)
          : ({ staging: 'normPadRelu', before: shortcut.channelsBefore } as const);
      const stage = context.kernel(stageKernel({ ...shape, ...staged, keep: keeps }));
      return (image, target) =>
        stage(target + inner, keepAt(image), y.at(image), b.at(image), coefficients, 0);
    }
    default:
      throw new Error(`unknown activation ${activation satisfies never}`);
  }
}

/** A convolution's input, in the form that its kernels read. */
export function stageInput(
  context: Context,
  { kernel, inSize, inChannels }: ConvolutionGeometry,
  input: Activation,
): StageImage {
  const shape = { size: inSize, channels: inChannels };
  return stageActivation(context, input, shape, kernel === 3 ? 'padded' : 'dense');
}

/** The gradient that enters a convolution from above, k1·dz + k2·y + k3, as a padded image. */
export function stageGradient(
  context: Context,
  gradient: OutputGradient,
  { size, channels }: ImageShape,
): StageImage {
  const dz = context.images(gradient.dz);
  const y = context.images(gradient.y);
  const coefficients = normAddresses(context, gradient.norm).backward;
  const inner = interiorOffset(size, channels);
  const stage = context.kernel(
    stageKernel({
      staging: 'gradient',
      height: size,
      width: size,
      channels,
      destination: 'padded',
      keep: false,
    }),
  );
  return (image, target) => stage(target + inner, 0, dz.at(image), y.at(image), coefficients, 0);
}

function stageBytes(context: Context): StageImage {
  const { program, memory } = context;
  const bytes = context.images(program.named.images);
  const crop = context.flat('augmentation') / 4;
  const normalize = context.flat('normalization');
  const stage = context.kernel(inputImage({ height: IMAGE_SIZE, width: IMAGE_SIZE }));
  return (image, target) => {
    const at = crop + 3 * image;
    const row = memory.i32[at] as number;
    const column = memory.i32[at + 1] as number;
    const flip = memory.i32[at + 2] as number;
    stage(bytes.at(image), target, row, column, flip, normalize);
  };
}
