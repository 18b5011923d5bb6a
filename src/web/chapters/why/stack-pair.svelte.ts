// The latest answer of the stacks' worker, as Svelte state. While one question is computed, only the last
// one that was asked meanwhile is kept.

import type { StackPair, StackQuestion } from './stack-worker.ts';

export class StackPairs {
  /** Undefined until the first answer. */
  latest = $state.raw<StackPair>();
  private readonly worker = new Worker(new URL('./stack-worker.ts', import.meta.url), {
    type: 'module',
    name: 'table6 diagram',
  });
  private isBusy = false;
  private next: StackQuestion | undefined;

  constructor() {
    this.worker.onmessage = ({ data }: MessageEvent<StackPair>) => {
      this.latest = data;
      this.isBusy = false;
      const { next } = this;
      this.next = undefined;
      if (next) this.ask(next);
    };
  }

  ask(question: StackQuestion): void {
    if (this.isBusy) {
      this.next = question;
      return;
    }
    this.isBusy = true;
    this.worker.postMessage(question);
  }

  end(): void {
    this.worker.terminate();
  }
}
