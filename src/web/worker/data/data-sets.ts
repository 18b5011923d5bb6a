// The data sets that the worker has in memory, by their source; what was dropped is also kept in the
// tab's storage.

import { augmentImage } from '../../../data/augment.ts';
import { augmentationOf } from '../../../data/batches.ts';
import { classCounts, type Dataset, IMAGE_BYTES, imageBytes } from '../../../data/dataset.ts';
import { damagedBatches } from '../../../data/original.ts';
import { isSyntheticSource, makeSynthetic } from '../../../data/synthetic.ts';
import { messageOf, UserError } from '../../../util/errors.ts';
import { TabError } from '../problems.ts';
import type { Ask, DataFacts, DataSource, ImageChoice, Images, Progress } from '../protocol.ts';
import type { Storage } from '../storage.ts';
import { readDropped } from './dropped.ts';
import { type ReadData, readOwnPictures } from './pictures.ts';
import { fetchServed } from './served.ts';
import { describeStored, loadStored, removeStored, storeDataset, storedSources } from './stored.ts';

/** Images in one answer; a page draws a few hundred. */
const MOST_IMAGES = 2000;

export class DataSets {
  private readonly storage: Storage;
  private readonly loaded = new Map<string, Dataset>();
  private readonly stored = new Set<string>();

  constructor(storage: Storage) {
    this.storage = storage;
  }

  async load(source: DataSource, onProgress: (progress: Progress) => void): Promise<DataFacts> {
    if (source.from === 'synthetic') return this.facts(await this.need(syntheticName(source)), []);
    if (source.from === 'storage') return this.facts(await this.need(source.data), []);
    const { dataset, notices } = await read(source, onProgress);
    this.loaded.set(dataset.source, dataset);
    return this.facts(dataset, [...notices, ...(await this.keep(dataset))]);
  }

  /** @throws TabError where it is neither in memory nor in the storage */
  async need(data: string): Promise<Dataset> {
    const dataset = this.loaded.get(data) ?? (await this.fetch(data));
    if (!dataset) {
      throw new TabError(
        `The images of "${data}" are not in this browser: drop them on the page (again).`,
        { code: 'data-missing', facts: { data } },
      );
    }
    this.loaded.set(data, dataset);
    return dataset;
  }

  async kept(): Promise<DataFacts[]> {
    const facts: DataFacts[] = [];
    for (const data of await storedSources(this.storage.files)) {
      const dataset = this.loaded.get(data);
      if (dataset) facts.push(this.facts(dataset, []));
      const stored = dataset ? undefined : await describeStored(this.storage.files, data);
      if (!stored) continue;
      const { source: _, ...known } = stored;
      facts.push({ data, ...known, notices: [], isKept: true });
    }
    return facts;
  }

  async forget(data: string): Promise<void> {
    this.loaded.delete(data);
    this.stored.delete(data);
    await removeStored(this.storage.files, data);
  }

  async images(ask: Ask<'images'>): Promise<Images> {
    const { data, split: name, label, from = 0, count = 100, moved } = ask;
    const split = (await this.need(data))[name];
    const ofLabel: number[] = [];
    for (let i = 0; i < split.count; i++) {
      if (label === undefined || split.labels[i] === label) ofLabel.push(i);
    }
    const indices = (ask.indices ?? ofLabel.slice(from, from + count)).slice(0, MOST_IMAGES);
    const rgba = new Uint8ClampedArray((indices.length * IMAGE_BYTES * 4) / 3).fill(255);
    for (const [place, index] of indices.entries()) {
      if (!(index >= 0 && index < split.count)) throw noImage(data, name, index);
      const image = imageBytes(split, index);
      const seen = moved ? augmentImage(image, augmentationOf(moved, index)) : image;
      for (let i = 0, to = (place * IMAGE_BYTES * 4) / 3; i < IMAGE_BYTES; i += 3, to += 4) {
        rgba[to] = seen[i] as number;
        rgba[to + 1] = seen[i + 1] as number;
        rgba[to + 2] = seen[i + 2] as number;
      }
    }
    const labels = indices.map((index) => split.labels[index] as number);
    return { indices, labels, rgba, total: ask.indices?.length ?? ofLabel.length };
  }

  /** The pixels of one image: 32 × 32 × 3 bytes. */
  async pixels(image: ImageChoice): Promise<Uint8Array> {
    if ('pixels' in image) return image.pixels;
    const split = (await this.need(image.data))[image.split];
    if (!(image.index >= 0 && image.index < split.count)) {
      throw noImage(image.data, image.split, image.index);
    }
    return imageBytes(split, image.index);
  }

  private async fetch(data: string): Promise<Dataset | undefined> {
    if (isSyntheticSource(data)) return makeSynthetic(data);
    const dataset = await loadStored(this.storage.files, data);
    if (dataset) this.stored.add(data);
    return dataset;
  }

  /** @returns a sentence where it cannot be kept; it can be used all the same */
  private async keep(dataset: Dataset): Promise<string[]> {
    if (this.storage.facts.kind === 'memory') return []; // it is in memory already
    try {
      await storeDataset(this.storage.files, dataset);
      this.stored.add(dataset.source);
      return [];
    } catch (error) {
      await removeStored(this.storage.files, dataset.source);
      return [`The images are not kept for the next visit (${messageOf(error)})`];
    }
  }

  private facts(dataset: Dataset, notices: readonly string[]): DataFacts {
    const { source, title, isOriginalCifar10, classes, train, test, validation, findings } =
      dataset;
    return {
      data: source,
      title,
      isOriginalCifar10,
      classes,
      train: classCounts(train, classes.length),
      test: classCounts(test, classes.length),
      ...(validation && { validation: classCounts(validation, classes.length) }),
      notices: [
        ...notices,
        ...damagedBatches(findings ?? []).map(({ name, text }) => `${name} ${text}`),
      ],
      isKept: isSyntheticSource(source) || this.stored.has(source),
    };
  }
}

function syntheticName({ train, test, seed }: Extract<DataSource, { from: 'synthetic' }>): string {
  const options = Object.entries({ train, test, seed }).filter(([, value]) => value !== undefined);
  if (options.length === 0) return 'synthetic';
  return `synthetic:${options.map(([name, value]) => `${name}=${value}`).join(',')}`;
}

async function read(
  source: Exclude<DataSource, { from: 'synthetic' | 'storage' }>,
  onProgress: (progress: Progress) => void,
): Promise<ReadData> {
  switch (source.from) {
    case 'files':
      return await readDropped(source.files, source.name, onProgress);
    case 'server': {
      const files = await fetchServed(source.name, source.base, onProgress);
      return await readDropped(files, undefined, onProgress);
    }
    case 'pictures':
      return await readOwnPictures(source.name, source.classes, onProgress);
    default:
      throw new Error(`unknown source ${source satisfies never}`);
  }
}

function noImage(data: string, split: string, index: number): UserError {
  return new UserError(`${data} has no image ${index} in its ${split} split.`);
}
