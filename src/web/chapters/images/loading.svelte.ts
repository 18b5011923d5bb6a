// Images on their way into the tab: how far they are, and what went wrong. Kept here rather than in a
// component, so that a reader who looks at another chapter meanwhile finds it going on.

import { tab } from '../../shared/tab.svelte.ts';
import type { DataFacts, DataSource, Progress } from '../../worker/protocol.ts';
import { state as address } from './state.ts';

const WORDS: Readonly<Record<string, string>> = {
  fetch: 'Fetching from this machine’s cache',
  unpack: 'Unpacking',
  decode: 'Reading pictures',
};

class Loading {
  isBusy = $state(false);
  progress: Progress | undefined = $state.raw();
  /** A sentence. */
  problem = $state('');
  /** What was loaded last, to say so where it was asked for. */
  done: DataFacts | undefined = $state.raw();

  get words(): string {
    return WORDS[this.progress?.what ?? ''] ?? 'Reading and checking';
  }

  /** From 0 to 1. Once all is unpacked it is checked, and nobody knows how long that takes. */
  get value(): number | undefined {
    const { done, total } = this.progress ?? { done: 0 };
    return total === undefined || done >= total ? undefined : done / total;
  }

  /** Loads images and chooses them for the whole page. */
  async load(source: DataSource): Promise<void> {
    this.isBusy = true;
    this.problem = '';
    this.done = undefined;
    this.progress = undefined;
    try {
      await tab.loadData(source, (progress) => {
        this.progress = progress;
      });
      follow();
      this.done = tab.data;
    } catch (error) {
      this.problem = (error as Error).message;
    } finally {
      this.isBusy = false;
    }
  }
}

/** Shows the chosen data set; what the address says of another one's classes and images is dropped. */
export function follow(): void {
  const { data } = tab;
  if (!data || data.data === address.data) return;
  const isFirst = address.data === '';
  address.data = data.data;
  if (!isFirst) Object.assign(address, { split: 'train', label: -1, page: 0, image: 0 });
}

let isLinkFollowed = false;

/** Opens the tab with the data set that the link names; later, what was chosen in other chapters stays. */
export async function begin(): Promise<void> {
  await tab.open();
  const { data } = address;
  const isFollowed = isLinkFollowed;
  isLinkFollowed = true;
  if (!isFollowed && data !== '' && tab.data?.data !== data) {
    await loading.load({ from: 'storage', data });
  }
  await tab.needData();
  follow();
}

export const loading = new Loading();
