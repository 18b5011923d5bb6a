// `table6 predict`: the five likeliest classes of pictures of any size.

import { IMAGE_BYTES } from '../../data/dataset.ts';
import { imageDecoder } from '../../data/node/decode-image.ts';
import { listPictures } from '../../data/node/pictures.ts';
import { classNames } from '../../runs/model.ts';
import { predictImages } from '../../train/evaluate.ts';
import { createInference } from '../../train/executables.ts';
import { UserError } from '../../util/errors.ts';
import { formatPercent } from '../../util/format.ts';
import { repairable, worded } from '../advice.ts';
import { defineCommand } from '../command.ts';
import { printBeside, printJson } from '../console/print.ts';
import { backendOptions, openBackend } from '../session/backend.ts';
import { computeOptions, jsonOption, modelOptions } from '../session/common-options.ts';
import { type Model, noticesOf, openTypedModel } from '../session/model.ts';
import { progressTerminal } from '../session/output.ts';
import { integer } from '../values.ts';

const BATCH = 64;

export const predict = defineCommand({
  description:
    'Pictures (PNG, JPEG, WebP, GIF, AVIF, TIFF) are turned upright, laid on white where they are transparent, and squeezed to 32×32, as training does with image folders. What cannot be read is named, the others are answered, and the exit code is 1.',
  arguments: [
    { name: 'RUN|WEIGHTS', help: 'a run folder, .safetensors, .th or .pth', required: true },
    {
      name: 'IMAGE',
      help: 'picture files, folders of them, http(s) addresses, or - for one on standard input',
      required: true,
      repeated: true,
    },
  ],
  options: {
    top: integer({ help: 'How many classes', initial: 5, minimum: 1 }),
    ...modelOptions,
    ...computeOptions,
    json: jsonOption,
  },
  examples: [
    { command: 'predict runs/resnet20-seed1 cat.jpg', help: 'Five classes with probabilities' },
    { command: 'predict resnet56.th *.png --json', help: 'Many pictures, for another program' },
    { command: 'predict resnet56.th photos/ --top 1', help: 'All pictures below a folder' },
  ],
  async run({ values, positionals }) {
    const [path, ...named] = positionals;
    const machine = backendOptions(values);
    const { top, json } = values;
    const terminal = progressTerminal(json);
    const model = await openTypedModel('predict', path!, values, terminal);
    const notices = noticesOf(model);
    for (const line of notices) printBeside(line);
    const { pictures, failed } = await decodeAll(named, values.offline);
    for (const { problem } of failed) printBeside(problem);
    const predictions = pictures.length === 0 ? [] : await classify(model, pictures, top, machine);
    if (json) {
      printJson({
        weights: model.title,
        normalization: model.normalization.kind,
        normalization_assumed: !model.saysNormalization,
        notices,
        predictions,
        failed,
      });
    } else print(predictions);
    return failed.length > 0 ? 1 : 0;
  },
});

interface Picture {
  readonly name: string;
  readonly pixels: Uint8Array;
}

interface Failed {
  readonly image: string;
  readonly problem: string;
}

/** Every picture that can be read, and why the others cannot. */
async function decodeAll(named: readonly string[], offline: boolean) {
  const decode = await imageDecoder();
  const pictures: Picture[] = [];
  const failed: Failed[] = [];
  for await (const { name, read } of listPictures(named, { offline })) {
    try {
      pictures.push({ name, pixels: await read(decode) });
    } catch (error) {
      const known = repairable(error);
      if (known === undefined) throw error;
      failed.push({ image: name, problem: worded(known, 'predict') });
    }
  }
  return { pictures, failed };
}

async function classify(
  model: Model,
  pictures: readonly Picture[],
  top: number,
  machine: Parameters<typeof openBackend>[0],
): Promise<Prediction[]> {
  const names = classNames(model);
  const images = new Uint8Array(pictures.length * IMAGE_BYTES);
  for (const [place, { pixels }] of pictures.entries()) images.set(pixels, place * IMAGE_BYTES);
  await using backend = await openBackend(machine);
  const { network, weights, normalization } = model;
  const batch = Math.min(BATCH, pictures.length);
  const executable = await createInference(backend, network, weights, normalization, batch);
  const predictions = await predictImages(executable, images, top);
  await executable.dispose();
  return predictions.map((ranked, place) => ({
    image: pictures[place]!.name,
    classes: ranked.map(({ index, probability }) => {
      if (Number.isFinite(probability)) return { index, name: names[index]!, probability };
      throw new UserError(
        `The answers of ${model.title} are no numbers: its weights are finite, but so large that what is computed with them is not.`,
      );
    }),
  }));
}

interface Prediction {
  readonly image: string;
  readonly classes: readonly {
    readonly index: number;
    readonly name: string;
    readonly probability: number;
  }[];
}

function print(predictions: readonly Prediction[]): void {
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
