// The picture that the network is shown: the reader's own, or an image of the data set. It stays while the
// reader looks at other chapters or chooses another network.

import { sum } from '../../../util/statistics.ts';
import { pixelsOf } from '../../shared/grid.ts';
import { tab } from '../../shared/tab.svelte.ts';
import type { DataFacts } from '../../worker/protocol.ts';

export interface Shown {
  /** What the network sees: 32 × 32 × 3 bytes. */
  readonly pixels: Uint8Array;
  /** The reader's own picture, to be seen beside it. */
  readonly url?: string;
  /** Its class, of an image of the data set. */
  readonly truth?: string;
  /** What it is, in words. */
  readonly name: string;
}

class Picture {
  shown: Shown | undefined = $state.raw();
  problem = $state('');

  /** The reader's own. */
  async take(file: File): Promise<void> {
    await this.show(async () => {
      const { pixels } = await tab.ask('readPicture', { picture: file });
      return { pixels, url: URL.createObjectURL(file), name: file.name };
    });
  }

  /** Any of the images to test on. */
  async draw({ data, test, classes }: DataFacts): Promise<void> {
    const count = sum(test);
    const index = Math.floor(Math.random() * count);
    await this.show(async () => {
      const images = await tab.ask('images', { data, split: 'test', indices: [index] });
      const name = `test image ${index.toLocaleString('en')}`;
      return { pixels: pixelsOf(images, 0), truth: classes[images.labels[0]!]!, name };
    });
  }

  private async show(read: () => Promise<Shown>): Promise<void> {
    this.problem = '';
    try {
      const shown = await read();
      if (this.shown?.url) URL.revokeObjectURL(this.shown.url);
      this.shown = shown;
    } catch (error) {
      this.problem = (error as Error).message;
    }
  }
}

export const picture = new Picture();
