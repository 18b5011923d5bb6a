// Where the tab keeps runs and data sets: the origin private file system where the browser gives one,
// else memory, which is said. And the locks by which only one tab trains a run.

import { createMemoryFileSystem } from '../../runs/file-system.memory.ts';
import { openOpfs } from '../../runs/file-system.opfs.ts';
import type { FileSystem } from '../../runs/file-system.ts';
import type { RunHost } from '../../runs/run.ts';
import { messageOf } from '../../util/errors.ts';
import { TabError } from './problems.ts';
import type { TabFacts } from './protocol.ts';

interface Locks {
  request(
    name: string,
    options: { readonly ifAvailable: boolean },
    work: (lock: object | null) => Promise<void> | undefined,
  ): Promise<unknown>;
  query(): Promise<{ readonly held?: readonly { readonly name: string }[] }>;
}
interface Scope {
  readonly navigator: {
    readonly locks?: Locks;
    readonly storage?: { estimate?(): Promise<{ quota?: number; usage?: number }> };
  };
}
const scope = globalThis as unknown as Scope;

/** All runs of the tab are folders in it. */
export const RUNS = 'runs';

const lockName = (run: string) => `table6 ${run}`;

export class Storage {
  readonly files: FileSystem;
  readonly facts: TabFacts['storage'];
  readonly host: RunHost;

  private constructor(files: FileSystem, facts: TabFacts['storage']) {
    this.files = files;
    this.facts = facts;
    // The locks below keep tabs apart; a lock file in a folder is always of a tab that is gone.
    const pid = crypto.getRandomValues(new Uint32Array(1))[0] as number;
    this.host = { files, self: { pid, host: 'browser', isAlive: () => false, now: Date.now } };
  }

  static async open(): Promise<Storage> {
    try {
      return new Storage(await openOpfs(), { kind: 'opfs' });
    } catch (error) {
      const notice = `Runs and images are kept in this tab's memory only and are gone when it is closed (${messageOf(error)}): download what you want to keep.`;
      return new Storage(createMemoryFileSystem(), { kind: 'memory', notice });
    }
  }

  /**
   * Takes a run for this tab, until the returned function is called or the worker ends.
   * @throws UserError where another tab has it
   */
  async take(run: string): Promise<() => void> {
    const { locks } = scope.navigator;
    // What is in memory is no other tab's.
    if (!locks || this.facts.kind === 'memory') return () => {};
    return await new Promise((resolve, reject) => {
      locks
        .request(lockName(run), { ifAvailable: true }, (lock) => {
          if (lock) return new Promise<void>((release) => resolve(release));
          reject(inUse(run));
          return undefined;
        })
        .catch(reject);
    });
  }

  /** Runs that some tab has taken. */
  async taken(): Promise<Set<string>> {
    const { held = [] } = (await scope.navigator.locks?.query()) ?? {};
    const prefix = lockName('');
    return new Set(
      held
        .filter(({ name }) => name.startsWith(prefix))
        .map(({ name }) => name.slice(prefix.length)),
    );
  }

  /** Bytes that the browser still lets the page store; undefined where it does not say. */
  async freeBytes(): Promise<number | undefined> {
    const { quota, usage } = (await scope.navigator.storage?.estimate?.()) ?? {};
    return quota === undefined || usage === undefined ? undefined : Math.max(0, quota - usage);
  }
}

function inUse(run: string): TabError {
  return new TabError(
    `The run "${run}" is open in another tab of this browser: stop it there or close that tab first.`,
    { code: 'run-in-use', facts: { run } },
  );
}
