// `table6 predict`: the five likeliest classes of pictures of any size.

import { IMAGE_BYTES } from '../../data/dataset.ts';
import { imageDecoder } from '../../data/node/decode-image.ts';
import { decodePicture } from '../../data/node/picture.ts';
import { classNames } from '../../runs/model.ts';
import { predictImages } from '../../train/evaluate.ts';
import { createInference } from '../../train/executables.ts';
import { formatPercent } from '../../util/format.ts';
import { defineCommand } from '../command.ts';
import { printJson } from '../console/print.ts';
import { backendOptions, openBackend } from '../session/backend.ts';
import {
  checkpointOption,
  convOption,
  deviceOption,
  halfOption,
  jsonOption,
  tensorCoresOption,
  threadsOption,
  tuneOption,
} from '../session/common-options.ts';
import { openModel } from '../session/model.ts';
import { progressTerminal } from '../session/output.ts';
import { integer } from '../values.ts';

const BATCH = 64;

export const predict = defineCommand({
  name: 'predict',
  summary: 'The likeliest classes of your own images',
  description:
    'Pictures (PNG, JPEG, WebP) are resized to 32×32, as training does with image folders.',
  arguments: [
    { name: 'RUN|WEIGHTS', help: 'a run folder, .safetensors, .th or .pth', required: true },
    { name: 'IMAGE', help: 'picture files', required: true, repeated: true },
  ],
  options: {
    top: integer({ help: 'How many classes', initial: 5, minimum: 1 }),
    checkpoint: checkpointOption,
    device: deviceOption,
    threads: threadsOption,
    convolution: convOption,
    half: halfOption,
    tensorCores: tensorCoresOption,
    tune: tuneOption,
    json: jsonOption,
  },
  examples: [
    { command: 'predict runs/resnet20-seed1 cat.jpg', help: 'Five classes with probabilities' },
    { command: 'predict resnet56.th *.png --json', help: 'Many pictures, for another program' },
  ],
  async run({ values, positionals }) {
    const [path, ...files] = positionals;
    const options = backendOptions(values);
    const { checkpoint, top, json } = values;
    const model = await openModel(path!, { checkpoint });
    const names = classNames(model);
    const images = await decodeAll(files);
    const backend = await openBackend(options);
    try {
      const { network, weights, normalization } = model;
      const batch = Math.min(BATCH, files.length);
      const executable = await createInference(backend, network, weights, normalization, batch);
      const predictions = await predictImages(executable, images, top);
      await executable.dispose();
      const named = predictions.map((ranked, place) => ({
        image: files[place]!,
        classes: ranked.map(({ index, probability }) => ({
          index,
          name: names[index]!,
          probability,
        })),
      }));
      if (json) printJson({ weights: model.title, predictions: named });
      else print(named);
      return 0;
    } finally {
      await backend.dispose();
    }
  },
});

async function decodeAll(files: readonly string[]): Promise<Uint8Array> {
  const decode = await imageDecoder();
  const images = new Uint8Array(files.length * IMAGE_BYTES);
  for (const [place, file] of files.entries()) {
    images.set(await decodePicture(decode, file), place * IMAGE_BYTES);
  }
  return images;
}

function print(
  predictions: readonly {
    readonly image: string;
    readonly classes: readonly { readonly name: string; readonly probability: number }[];
  }[],
): void {
  const terminal = progressTerminal(false);
  for (const { image, classes } of predictions) {
    terminal.line(image);
    const width = Math.max(...classes.map(({ name }) => name.length));
    for (const { name, probability } of classes) {
      const bar = '#'.repeat(Math.round(probability * 30));
      const percent = formatPercent(probability, 1).padStart(7);
      terminal.line(`  ${name.padEnd(width)}  ${percent}  ${bar}`);
    }
  }
}
