// The run folders below RUNS, looked at again and again: which there are, what each has come to, and at
// which revision it last changed. Runs are found by this list only, never by a path out of a request.
// A damaged one is in it and says so.

import path from 'node:path';
import { readCell } from '../experiment/cells.ts';
import type { ProcessIdentity } from '../runs/holder.ts';
import { CONFIG, METRICS } from '../runs/layout.ts';
import { readConfig } from '../runs/reader.ts';
import { messageOf } from '../util/errors.ts';
import { type Folder, readOnlyFileSystem } from './folder.ts';
import { isStillThere, lastLineEnd, offsetOf, START } from './metrics-file.ts';
import type { Position, ServedRun } from './protocol.ts';

/** RUNS/table/run is two; deeper ones are not looked for. */
const DEEPEST = 4;
/** A home folder given by mistake must not be read whole. */
const MOST_FOLDERS = 5_000;

/** Files whose change may change what is said about a run. */
const DESCRIPTION = [CONFIG, 'summary.json', 'failure.json', 'lock.json'];
/** Runs that are looked at together. */
const AT_ONCE = 16;
const NOT_RUNS = new Set(['checkpoints', 'node_modules']);

/** A run as it was found at one moment. */
interface Look {
  readonly id: string;
  /** Below RUNS. */
  readonly names: readonly string[];
  readonly view: ServedRun;
  /** Of the files that were read. */
  readonly tags: { readonly description: string; readonly metrics: string };
}

export interface IndexedRun extends Look {
  /** When it last changed at all, and when what is said about it did. */
  readonly revision: number;
  readonly described: number;
}

export class RunIndex {
  readonly folder: Folder;
  /** Grows with every change. */
  revision = 0;
  /** By id. */
  runs: ReadonlyMap<string, IndexedRun> = new Map();
  /** Runs that were there, and when they went. */
  readonly gone = new Map<string, number>();
  /** Folders in which something may change, as names below RUNS. */
  folders: readonly (readonly string[])[] = [];
  private readonly self: ProcessIdentity;
  private looking: Promise<boolean> | undefined;
  private nextLook: Promise<boolean> | undefined;

  constructor(folder: Folder, self: ProcessIdentity) {
    this.folder = folder;
    this.self = self;
  }

  /**
   * Looks again. Callers during a look share the next one: this one may have passed what they ask for.
   * @returns whether anything changed
   */
  refresh(): Promise<boolean> {
    if (this.looking === undefined) return this.begin();
    const begin = () => {
      this.nextLook = undefined;
      return this.looking ?? this.begin();
    };
    this.nextLook ??= this.looking.then(begin, begin);
    return this.nextLook;
  }

  private begin(): Promise<boolean> {
    this.looking = this.look().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async look(): Promise<boolean> {
    const before = this.revision;
    const found = new Map<string, IndexedRun>();
    const folders: (readonly string[])[] = [];
    const waiting = await this.find(folders);
    while (waiting.length > 0) {
      const some = waiting.splice(0, AT_ONCE);
      const looks = await Promise.all(some.map((names) => this.lookAt(names)));
      for (const look of looks) {
        found.set(look.id, this.update(look));
        this.gone.delete(look.id);
      }
    }
    for (const id of this.runs.keys()) if (!found.has(id)) this.gone.set(id, ++this.revision);
    this.runs = found;
    this.folders = folders;
    return this.revision !== before;
  }

  /** The names of every run folder, in order. @param seen gets every folder that was looked into */
  private async find(seen: (readonly string[])[]): Promise<(readonly string[])[]> {
    const found: (readonly string[])[] = [];
    let waiting: (readonly string[])[] = [[]];
    for (let depth = 0; depth <= DEEPEST && waiting.length > 0; depth++) {
      const below: (readonly string[])[] = [];
      for (const names of waiting) {
        if (seen.length >= MOST_FOLDERS) return found;
        seen.push(names);
        const entries = await this.list(names);
        if (entries.some(({ name }) => name === CONFIG || name === METRICS)) {
          found.push(names);
          continue;
        }
        const folders = entries.filter((entry) => entry.isDirectory() && !isHidden(entry.name));
        below.push(...folders.map(({ name }) => [...names, name]));
      }
      waiting = below;
    }
    return found.sort((a, b) => a.join('/').localeCompare(b.join('/'), 'en', { numeric: true }));
  }

  /** Where it may not be read, nothing is found. */
  private list(names: readonly string[]) {
    return this.folder.list(names).catch(() => []);
  }

  /** Reads what has changed of a run since the last look. */
  private async lookAt(names: readonly string[]): Promise<Look> {
    const id = names.join('/') || path.basename(path.resolve(this.folder.path));
    const known = this.runs.get(id);
    const files = await this.folder.tags(names, [METRICS, ...DESCRIPTION]).catch(() => []);
    const tags = { metrics: files[0] ?? '', description: files.slice(1).join(' ') };
    const old = known?.view.metrics ?? START;
    const isLonger = known?.tags.metrics !== tags.metrics;
    const metrics = isLonger ? await this.metricsEnd(names, old) : old;
    // A process that was killed leaves its files as they are: whether it lives is asked each time.
    const isRunning = known?.view.state === 'running';
    if (known && !isRunning && known.tags.description === tags.description) {
      return { id, names, tags, view: { ...known.view, metrics } };
    }
    return { id, names, tags, view: { id, ...(await this.describe(names)), metrics } };
  }

  private update(look: Look): IndexedRun {
    const known = this.runs.get(look.id);
    const { metrics } = look.view;
    const isDescribed = known !== undefined && isSame({ ...known.view, metrics }, look.view);
    if (isDescribed && known.view.metrics === metrics) return { ...known, tags: look.tags };
    const revision = ++this.revision;
    return { ...look, revision, described: isDescribed ? known.described : revision };
  }

  private async metricsEnd(names: readonly string[], known: Position): Promise<Position> {
    try {
      await using file = await this.folder.open([...names, METRICS]);
      if (file === undefined) return START;
      if (offsetOf(known) === file.bytes && (await isStillThere(file.handle, known))) return known;
      return await lastLineEnd(file.handle, file.bytes);
    } catch {
      return START;
    }
  }

  /** Everything but its metrics. */
  private async describe(names: readonly string[]): Promise<Omit<ServedRun, 'id' | 'metrics'>> {
    const files = readOnlyFileSystem(this.folder);
    const root = this.folder.path;
    const dir = [root, ...names].join('/');
    const checkpoints = (await this.list([...names, 'checkpoints']))
      .filter(({ name }) => name.endsWith('.safetensors'))
      .map(({ name }) => name.slice(0, -'.safetensors'.length))
      .sort();
    try {
      const config = await readConfig(files, dir);
      const { arch, recipe, seed } = config;
      const host = { files, self: this.self };
      const { state, message, run } = await readCell(host, root, { arch, recipe, seed }, dir);
      return { state, message, config, summary: run?.summary, checkpoints };
    } catch (error) {
      return { state: 'failed', message: messageOf(error), checkpoints };
    }
  }
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || NOT_RUNS.has(name);
}

function isSame(a: ServedRun, b: ServedRun): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
