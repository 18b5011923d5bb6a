// Forward convolutions as contributions to a schedule: with batch statistics for training, with
// folded batch norm, shortcut and ReLU for inference.

import type { Operation } from '../../program.ts';
import { forwardBlock } from './blocks.ts';
import type { Context } from './context.ts';
import { convolve, type EpilogueCall } from './convolve.ts';
import { foldNorm as fold } from './norm.ts';
import type { Contribution } from './schedule-types.ts';
import { stageActivation } from './staging.ts';
import { BlockSums } from './sums.ts';
import { forwardWeights, preparedBytes } from './weights.ts';

type Of<Kind extends Operation['kind']> = Extract<Operation, { kind: Kind }>;

/** output = convolution(input), with Σy and Σy² a channel where a norm follows. */
export function convolution(
  context: Context,
  { conv, input, output, norm }: Of<'convolution'>,
): Contribution {
  const blockImages = forwardBlock(context.program.batchSize, conv, context.tile);
  const parameters = context.flat(context.program.named.parameters) + conv.weight * 4;
  const weights = forwardWeights(context, conv, parameters, () => context.takeWeightSlot());
  const sums = norm === undefined ? undefined : new BlockSums(context, norm, 0);
  const run = convolve(context, {
    conv,
    blockImages,
    weights: weights.address,
    stage: stageInput(context, { conv, input }),
    output: context.images(output),
    epilogue: sums ? { kind: 'forward', sums: sums.address } : { kind: 'none' },
    afterGroup: (block) => sums?.take(block),
  });
  return {
    blockImages,
    before: weights.prepare,
    run: (first, end, block) => {
      sums?.clear(block);
      run(first, end, block);
    },
    serial: sums && ((count) => sums.total(count, blockImages)),
  };
}

function stageInput(context: Context, { conv, input }: Pick<Of<'convolution'>, 'conv' | 'input'>) {
  const shape = { size: conv.inSize, channels: conv.inChannels };
  return stageActivation(context, input, shape, conv.kernel === 3 ? 'padded' : 'dense');
}

/** output = [relu](convolution(input) with folded weights + bias [+ shortcut]). */
export function convolutionInference(
  context: Context,
  operation: Of<'convolutionInference'>,
): Contribution {
  const { conv, folded, input, shortcut, relu, output } = operation;
  const { kernel, inChannels, outChannels, outSize } = conv;
  const { blockImages } = context;
  const weights = context.flat(folded);
  const coef = weights + kernel * kernel * inChannels * outChannels * 4;
  const transformed = context.preparedWeights.get(folded) ?? weights;
  if (shortcut && !relu) throw new Error('a shortcut is followed by a ReLU');
  let epilogue: EpilogueCall = { kind: relu ? 'biasRelu' : 'bias', coef };
  let prepare = (_image: number): void => {};
  if (shortcut?.kind === 'identity') {
    epilogue = { kind: 'biasAddRelu', coef, a: context.images(shortcut.x) };
  } else if (shortcut) {
    // One image at a time: gathered into scratch just before the convolution that adds it.
    const x = context.images(shortcut.x);
    const gathered = context.gathered();
    const gather = context.kernel({
      family: 'shortcutGather',
      height: outSize,
      width: outSize,
      channels: outChannels,
    });
    prepare = (image) => gather(x.at(image), gathered.at(image));
    epilogue = { kind: 'biasAddRelu', coef, a: gathered };
  }
  const stage = stageInput(context, { conv, input });
  const run = convolve(context, {
    conv,
    blockImages,
    weights: transformed,
    stage: (image, target) => {
      stage(image, target);
      prepare(image);
    },
    output: context.images(output),
    epilogue,
    afterGroup: () => {},
  });
  return { blockImages, run };
}

/** Folds a batch norm into weights and bias, and transforms the weights where that is wanted. */
export function foldNorm(context: Context, operation: Of<'foldNorm'>): Contribution {
  const { conv, output } = operation;
  const foldWeights = fold(context, operation);
  const weights = forwardWeights(context, conv, context.flat(output), () =>
    context.shared.allocate(preparedBytes(context, conv)),
  );
  context.preparedWeights.set(output, weights.address);
  return {
    blockImages: 0,
    before: {
      tasks: () => 1,
      run: (task, count) => {
        foldWeights();
        weights.prepare?.run(task, count);
      },
    },
  };
}
