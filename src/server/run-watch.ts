// Looks at the runs while somebody watches: at once when the host tells of a change, and every second
// in any case, because network file systems and full watch lists tell nothing. With nobody there it
// rests.

import { type FSWatcher, watch } from 'node:fs';
import type { RunIndex } from './run-index.ts';

const POLL_MS = 1_000;
/** Several files change in one moment. */
const SETTLE_MS = 50;
/** Linux gives a user a limited number; the others are polled. */
const MOST_WATCHED = 256;

export class RunWatch {
  private readonly index: RunIndex;
  private readonly listeners = new Set<() => void>();
  private readonly watchers = new Map<string, FSWatcher>();
  private timer: NodeJS.Timeout | undefined;
  private isLooking = false;
  private isAskedAgain = false;

  constructor(index: RunIndex) {
    this.index = index;
  }

  /** Calls back after every look that found a change, until the result is disposed. */
  listen(listener: () => void): Disposable {
    this.listeners.add(listener);
    if (this.listeners.size === 1) void this.look();
    return {
      [Symbol.dispose]: () => {
        this.listeners.delete(listener);
        if (this.listeners.size === 0) this.rest();
      },
    };
  }

  private async look(): Promise<void> {
    if (this.isLooking) {
      this.isAskedAgain = true;
      return;
    }
    this.isLooking = true;
    try {
      if (await this.index.refresh()) for (const listener of this.listeners) listener();
      await this.watchFolders();
    } catch {
      // A folder that cannot be read now may be later: the next look sees.
    } finally {
      this.isLooking = false;
    }
    if (this.listeners.size === 0) return this.rest();
    this.lookIn(this.isAskedAgain ? SETTLE_MS : POLL_MS);
    this.isAskedAgain = false;
  }

  private lookIn(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.look(), milliseconds).unref();
  }

  private async watchFolders(): Promise<void> {
    const wanted = new Set<string>();
    for (const names of this.index.folders.slice(0, MOST_WATCHED)) {
      const real = await this.index.folder.resolve(names).catch(() => undefined);
      if (real !== undefined) wanted.add(real);
    }
    for (const [folder, watcher] of this.watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.watchers.delete(folder);
    }
    for (const folder of wanted) if (!this.watchers.has(folder)) this.watchFolder(folder);
  }

  private watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => {
        if (this.isLooking) this.isAskedAgain = true;
        else this.lookIn(SETTLE_MS);
      });
      watcher.on('error', () => {
        watcher.close();
        this.watchers.delete(folder);
      });
      this.watchers.set(folder, watcher);
    } catch {
      // Polled instead.
    }
  }

  private rest(): void {
    clearTimeout(this.timer);
    for (const watcher of this.watchers.values()) watcher.close();
    this.watchers.clear();
  }
}
