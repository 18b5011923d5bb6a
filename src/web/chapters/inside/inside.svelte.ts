// What chapter 6 has asked the worker for, and the newest answers. Questions overtake each other while
// someone clicks and a network trains; only the answer to the latest of a kind counts.

import type { LayerResponse } from '../../../experiment/responses.ts';
import { tab } from '../../shared/tab.svelte.ts';
import { WORKER_ENDED } from '../../worker/client.ts';
import type {
  Answer,
  BlockMaps,
  BlockName,
  ImageChoice,
  ModelFacts,
  PixelArithmetic,
} from '../../worker/protocol.ts';
import { sourceOf, UNTRAINED } from './source.ts';

/** A pixel of a convolution's output. */
export interface Place {
  readonly convolution: string;
  readonly row: number;
  readonly column: number;
  readonly channel: number;
}

export class Inside {
  model: ModelFacts | undefined = $state.raw();
  /** A sentence, where something could not be had. */
  problem: string | undefined = $state.raw();
  blocks: readonly BlockName[] = $state.raw([]);
  maps: BlockMaps | undefined = $state.raw();
  pixel: PixelArithmetic | undefined = $state.raw();
  filters: Answer<'filters'> | undefined = $state.raw();
  responses: readonly LayerResponse[] = $state.raw([]);
  /** Of the network that it is compared with. */
  others: { readonly title: string; readonly responses: readonly LayerResponse[] } | undefined =
    $state.raw();
  readonly #latest = new Map<string, number>();

  /** Loads the network that a key of the address names. */
  async choose(key: string): Promise<void> {
    const isKept = key === '' || key === `file:${tab.model?.model}`;
    if (isKept && tab.model) return await this.take(tab.model);
    const source = sourceOf(key === '' ? UNTRAINED : key);
    if (!source) {
      this.problem = key.startsWith('file:')
        ? `The weights of ${key.slice(5)} are not here (any more): drop the file again.`
        : `"${key}" names no network: choose one.`;
      return;
    }
    // What nobody chose is not for the other chapters.
    const asked = key === '' ? tab.ask('loadModel', { source }) : tab.loadModel(source);
    await this.#ask('model', asked, (model) => this.take(model));
  }

  /** Looks into a network that has been loaded. */
  async take(model: ModelFacts): Promise<void> {
    const name = { model: model.model };
    await this.#ask('blocks', tab.ask('blocks', name), (blocks) => {
      this.blocks = blocks;
      this.model = model;
    });
    await this.#ask('filters', tab.ask('filters', name), (filters) => {
      this.filters = filters;
    });
    await this.#ask('responses', tab.ask('responses', name), (responses) => {
      this.responses = responses;
    });
  }

  async look({ model }: ModelFacts, image: ImageChoice, block: string): Promise<void> {
    await this.#ask('maps', tab.ask('maps', { model, image, block }), (maps) => {
      this.maps = maps;
    });
  }

  async count({ model }: ModelFacts, image: ImageChoice, place: Place): Promise<void> {
    await this.#ask('pixel', tab.ask('pixel', { model, image, ...place }), (pixel) => {
      this.pixel = pixel;
    });
  }

  /** Loads another network for its responses. */
  async compare(key: string): Promise<void> {
    const source = sourceOf(key);
    if (!source) {
      this.others = undefined;
      return;
    }
    const asked = tab.ask('loadModel', { source }).then(async ({ model, title }) => {
      return { title, responses: await tab.ask('responses', { model }) };
    });
    await this.#ask('others', asked, (others) => {
      this.others = others;
    });
  }

  async #ask<T>(kind: string, answer: Promise<T>, use: (value: T) => unknown): Promise<void> {
    const number = (this.#latest.get(kind) ?? 0) + 1;
    this.#latest.set(kind, number);
    const isLatest = () => this.#latest.get(kind) === number;
    try {
      const value = await answer;
      if (!isLatest()) return;
      this.problem = undefined;
      await use(value);
    } catch (error) {
      // A worker that died is told of by `tab.ended`.
      const { code, message } = error as { readonly code?: string; readonly message: string };
      if (isLatest() && code !== WORKER_ENDED) this.problem = message;
    }
  }
}
