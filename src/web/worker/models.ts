// Trained networks in the worker: loaded from runs, files and addresses, evaluated, used on pictures,
// looked into, and written for other programs.

import { IMAGENET_NORMALIZATION } from '../../data/normalization.ts';
import { blockNames, firstFilters, ImagePass } from '../../experiment/feature-maps.ts';
import { layerResponses } from '../../experiment/responses.ts';
import { modelFromAddress } from '../../library/source.ts';
import { initializeWeights } from '../../nn/initialize.ts';
import { createNetwork } from '../../nn/network.ts';
import { parameterCount } from '../../nn/parameters.ts';
import { alignClasses } from '../../runs/class-order.ts';
import {
  checkpointModel,
  classNames,
  type Model,
  type ModelOptions,
  modelNotices,
  normalizedModel,
  readWholeModel,
} from '../../runs/model.ts';
import { openRun } from '../../runs/reader.ts';
import { evaluateSplit } from '../../train/evaluate.ts';
import { createInference } from '../../train/executables.ts';
import { UserError } from '../../util/errors.ts';
import type { DataSets } from './data/data-sets.ts';
import type { Devices } from './devices.ts';
import { TabError } from './problems.ts';
import type {
  Answer,
  Ask,
  Evaluation,
  ExportedFile,
  ImageChoice,
  ModelFacts,
  ModelSource,
  Probability,
  Progress,
  WeightsFacts,
} from './protocol.ts';
import type { Storage } from './storage.ts';
import type { Training } from './training.ts';

const BATCH = 128;

interface Loaded {
  readonly model: Model;
  readonly facts: ModelFacts;
  /** Of the image that was last looked at. */
  pass?: { readonly pixels: Uint8Array; readonly pass: ImagePass };
}

export class Models {
  private readonly storage: Storage;
  private readonly data: DataSets;
  private readonly devices: Devices;
  private readonly training: Training;
  private readonly loaded = new Map<string, Loaded>();

  constructor(storage: Storage, data: DataSets, devices: Devices, training: Training) {
    this.storage = storage;
    this.data = data;
    this.devices = devices;
    this.training = training;
  }

  async load(source: ModelSource): Promise<ModelFacts> {
    const { name, model, iteration } = await this.read(source);
    const { network, normalization, facts } = model;
    const known: ModelFacts = {
      model: name,
      title: model.title,
      arch: network.arch,
      shortcut: network.shortcut,
      parameters: parameterCount(network),
      classes: classNames(model),
      normalization: normalization.kind,
      notices: modelNotices(model),
      ...(facts && { epochs: facts.epochs }),
      ...(facts?.error !== undefined && { error: facts.error }),
      ...(iteration !== undefined && { iteration }),
    };
    this.loaded.set(name, { model, facts: known });
    return known;
  }

  async evaluate(
    { model: name, data, split = 'test', worst = 20 }: Ask<'evaluate'>,
    onProgress: (progress: Progress) => void,
  ): Promise<Evaluation> {
    const { model } = this.need(name);
    const dataset = await this.data.need(data);
    const classes = classNames(model);
    if (dataset.classes.length !== classes.length) {
      throw new UserError(
        `${model.title} tells ${classes.length} classes apart, and ${dataset.title} has ${dataset.classes.length}: use data with the same classes.`,
      );
    }
    const images = dataset[split];
    if (images.count === 0) throw new UserError(`${dataset.title} has no ${split} images.`);
    const { model: aligned, notice } = alignClasses(model, dataset);
    const { network, weights, normalization } = aligned;
    const cells = classes.map(() => classes.map((): number[] => []));
    const backend = await this.devices.backend();
    const executable = await createInference(backend, network, weights, normalization, BATCH);
    try {
      const report = await evaluateSplit(executable, images, {
        worst,
        onImage: (index, label, predicted) => cells[label]![predicted]!.push(index),
        onProgress: (done, total) => onProgress({ what: 'evaluate', done, total }),
      });
      const noticed = notice === undefined ? {} : { notice };
      return { ...report, classes: dataset.classes, cells, ...noticed };
    } finally {
      await executable.dispose();
    }
  }

  async classify(name: string, image: ImageChoice): Promise<Probability[]> {
    const loaded = this.need(name);
    const classes = classNames(loaded.model);
    const probabilities = (await this.pass(loaded, image)).probabilities();
    return Array.from(probabilities, (probability, index) => ({
      index,
      name: classes[index] as string,
      probability,
    })).sort((a, b) => b.probability - a.probability || a.index - b.index);
  }

  blocks(name: string): Answer<'blocks'> {
    return blockNames(this.need(name).model.network);
  }

  async maps({ model, image, block }: Ask<'maps'>): Promise<Answer<'maps'>> {
    return (await this.pass(this.need(model), image)).maps(block);
  }

  async pixel(ask: Ask<'pixel'>): Promise<Answer<'pixel'>> {
    const { model, image, convolution, row, column, channel } = ask;
    return (await this.pass(this.need(model), image)).pixel(convolution, row, column, channel);
  }

  filters(name: string): Answer<'filters'> {
    const { network, weights } = this.need(name).model;
    return firstFilters(network, weights);
  }

  responses(name: string): Answer<'responses'> {
    const { network, weights } = this.need(name).model;
    return layerResponses(network, weights);
  }

  async export({ model: name, format }: Ask<'exportModel'>): Promise<ExportedFile> {
    const { model } = this.need(name);
    // The writer of ONNX is large, and few people ask for it.
    const { exportFile } = await import('../../runs/export.ts');
    const { bytes, notices } = await exportFile(model, format);
    return { name: `${model.network.arch}.${format}`, file: new Blob([bytes]), notices };
  }

  private async read(
    source: ModelSource,
  ): Promise<{ name: string; model: Model; iteration?: number }> {
    switch (source.from) {
      case 'run': {
        const view = await openRun(this.storage.files, source.run);
        const checkpoint = source.checkpoint ?? 'last';
        const title = `${source.run} (${checkpoint})`;
        const model = checkpointModel(title, await view.readWeights(checkpoint), {
          allowDefects: true,
        });
        return { name: title, model };
      }
      case 'training': {
        const { run } = source;
        const { config, weights, normalization, classes, progress } =
          await this.training.snapshot(run);
        const network = createNetwork(config.arch, config);
        const title = `${run} (step ${progress.iteration})`;
        const known = { network, weights, normalization, classes, config };
        const model = { ...plainModel(title), ...known, saysNormalization: true };
        return { name: `${run} (training)`, model, iteration: progress.iteration };
      }
      case 'file': {
        const { file, name } = source;
        const bytes = new Uint8Array(await file.arrayBuffer());
        return {
          name,
          model: await this.said(source, (said) => readWholeModel(bytes, name, said)),
        };
      }
      case 'address': {
        const { address } = source;
        const model = await this.said(source, (said) => modelFromAddress(address, said));
        return { name: address, model };
      }
      case 'random': {
        const { arch, shortcut, seed } = source;
        const network = createNetwork(arch, { shortcut });
        const option = shortcut === 'B' ? ', shortcuts B' : '';
        const name = `untrained ${network.arch}${option}, seed ${seed}`;
        const weights = initializeWeights(network, seed);
        return { name, model: { ...plainModel(name), network, weights } };
      }
      default:
        throw new Error(`unknown source ${source satisfies never}`);
    }
  }

  /** Weights of another program, with what the reader says of them. */
  private async said(
    { arch, shortcut, key, normalization, data }: WeightsFacts,
    read: (said: ModelOptions) => Promise<Model>,
  ): Promise<Model> {
    const model = await read({ arch, shortcut, key, allowDefects: true });
    return await normalizedModel(model, normalization, async (kind) => {
      if (data !== undefined) return (await this.data.need(data)).train;
      throw new UserError(`The normalisation "${kind}" is made from training images: choose some.`);
    });
  }

  private need(name: string): Loaded {
    const loaded = this.loaded.get(name);
    if (loaded) return loaded;
    throw new TabError(`"${name}" is not loaded (any more): load it again.`, {
      code: 'model-missing',
      facts: { model: name },
    });
  }

  /** The image's pass, kept for the next question about the same image. */
  private async pass(loaded: Loaded, image: ImageChoice): Promise<ImagePass> {
    const pixels = await this.data.pixels(image);
    const before = loaded.pass;
    if (before?.pixels.every((byte, i) => byte === pixels[i])) return before.pass;
    const { network, weights, normalization } = loaded.model;
    const pass = new ImagePass(network, weights, normalization, pixels);
    loaded.pass = { pixels: pixels.slice(), pass };
    return pass;
  }
}

function plainModel(title: string) {
  const normalization = IMAGENET_NORMALIZATION;
  return {
    title,
    format: 'safetensors',
    normalization,
    saysNormalization: false,
    metadata: {},
    notices: [],
  } as const;
}
