// The tab's runs: folders in its storage, made and read by the same code as on Node.js. Beginning and
// going on, listing, and a run as one zip file, which is its folder.

import type { Dataset } from '../../data/dataset.ts';
import { splitValidation } from '../../data/validation.ts';
import { resolveConfig } from '../../experiment/recipes.ts';
import { packFolder, unpackFolder } from '../../formats/zip-folder.ts';
import { deviceBefore, multiplyAddBefore } from '../../runs/device-before.ts';
import { type FileSystem, writeAtomically } from '../../runs/file-system.ts';
import { CONFIG } from '../../runs/layout.ts';
import { openRun, type RunView, readConfig } from '../../runs/reader.ts';
import { createRun, resumeRun } from '../../runs/run.ts';
import { LAST, type NamedState, wholeStates } from '../../runs/states.ts';
import type { Facts } from '../../runs/summary.ts';
import type { TrainConfig } from '../../train/config.ts';
import { messageOf, UserError } from '../../util/errors.ts';
import type { DataSets } from './data/data-sets.ts';
import type { Computing, Devices } from './devices.ts';
import { TabError } from './problems.ts';
import type { Ask, ExportedFile, RunContent, RunFacts, RunRequest } from './protocol.ts';
import { RUNS, type Storage } from './storage.ts';
import type { OpenedRun, Training } from './training.ts';

/** The files of a run folder; whatever else a zip holds is left there. */
const RUN_FILES =
  /^(config|summary|environment|evaluation)\.json$|^metrics\.jsonl$|^log\.txt$|^checkpoints\/[\w-]+\.safetensors$/;

interface Browser {
  readonly navigator: { readonly userAgent?: string };
}

export class Runs {
  private readonly storage: Storage;
  private readonly data: DataSets;
  private readonly devices: Devices;
  private readonly training: Training;

  constructor(storage: Storage, data: DataSets, devices: Devices, training: Training) {
    this.storage = storage;
    this.data = data;
    this.devices = devices;
    this.training = training;
  }

  /** The configuration of a run that is asked for, on the data that it would have. */
  async configOf(
    request: RunRequest,
    data: string,
  ): Promise<{ config: TrainConfig; dataset: Dataset }> {
    const { arch, recipe, overrides = {} } = request;
    const whole = await this.data.need(data);
    if (whole.train.count === 0) {
      throw new UserError(`${whole.title} has images to test with only, and none to train on.`);
    }
    const classes = whole.classes.length;
    const config = resolveConfig({ arch, recipe, overrides: { ...overrides, data, classes } });
    return { config, dataset: withValidation(whole, config) };
  }

  /** New runs, not yet begun. What was taken for them is given back where one fails. */
  async create(requests: readonly RunRequest[], data: string): Promise<OpenedRun[]> {
    const wanted: { config: TrainConfig; dataset: Dataset }[] = [];
    for (const request of requests) wanted.push(await this.configOf(request, data));
    return await all(wanted, async ({ config, dataset }) => {
      const backend = await this.devices.take(computingOf(config));
      const threads = Number(backend.facts.threads ?? 1);
      try {
        const root = RUNS;
        const run = await createRun(this.storage.host, { config: { ...config, threads }, root });
        const unlock = await this.storage.take(run.dir);
        return this.opened({ run, dataset, backend }, unlock);
      } catch (error) {
        this.devices.giveBack();
        throw error;
      }
    });
  }

  /**
   * Runs to go on with, from their last checkpoints or the one that is named.
   * @param asked.data where it is not the one that the run names
   * @throws TabError where another tab has one, or the data are not there
   */
  async open(
    runs: readonly string[],
    { data, from }: Pick<Ask<'goOn'>, 'data' | 'from'>,
  ): Promise<OpenedRun[]> {
    return await all(runs, async (dir) => {
      if (this.training.stateOf(dir) !== 'stopped') {
        throw new UserError(`The run "${dir}" is training already.`);
      }
      const config = await readConfig(this.storage.files, dir);
      const whole = await this.data.need(data ?? config.data);
      const unlock = await this.storage.take(dir);
      try {
        const { environment } = await openRun(this.storage.files, dir);
        const last = environment.sessions.at(-1)?.backend.name;
        const backend = await this.devices.take({
          ...computingOf({ ...config, device: deviceBefore(config.device, last) }),
          multiplyAdd: multiplyAddBefore(environment.sessions),
        });
        try {
          const threads = Number(backend.facts.threads ?? 1);
          const run = await resumeRun(
            this.storage.host,
            dir,
            { threads },
            from === undefined ? {} : { from },
          );
          return this.opened({ run, dataset: withValidation(whole, config), backend }, unlock);
        } catch (error) {
          this.devices.giveBack();
          throw error;
        }
      } catch (error) {
        unlock();
        throw error;
      }
    });
  }

  async list(): Promise<RunFacts[]> {
    const taken = await this.storage.taken();
    const names = (await this.storage.files.list(RUNS)).sort();
    const facts: RunFacts[] = [];
    for (const name of names) {
      const run = `${RUNS}/${name}`;
      const known = await this.facts(run, taken).catch(() => undefined); // a folder that is no run
      if (known) facts.push(known);
    }
    return facts;
  }

  async read(run: string): Promise<RunContent> {
    const view = await openRun(this.storage.files, run);
    const facts = this.factsOf(view, await this.storage.taken());
    return { ...facts, environment: view.environment, metrics: await view.metrics() };
  }

  /** @throws TabError while it is open, here or in another tab */
  async remove(run: string): Promise<void> {
    this.refuseOpen(run);
    const unlock = await this.storage.take(run);
    try {
      await this.storage.files.removeFolder(run);
    } finally {
      unlock();
    }
  }

  async pack(run: string): Promise<ExportedFile> {
    const { files } = this.storage;
    await readConfig(files, run); // or it is no run
    const contents = new Map<string, Uint8Array>();
    for (const name of await namesIn(files, run)) {
      const bytes = RUN_FILES.test(name) ? await files.read(`${run}/${name}`) : undefined;
      if (bytes) contents.set(name, bytes);
    }
    const file = new Blob([await packFolder(contents)], { type: 'application/zip' });
    const notices = [`Unpack it, and go on with: table6 train --resume <the folder>`];
    return { name: `${run.split('/').at(-1)}.zip`, file, notices };
  }

  /**
   * Takes a run in from a zip file; a folder of another name where there is one of that name.
   * @throws UserError where it holds no run or a damaged one; nothing of it is kept then
   */
  async unpack(zip: Blob, name: string): Promise<RunFacts> {
    const { files } = this.storage;
    const contents = runFiles(await unzip(zip, name), name);
    const run = await this.newFolder(name.replace(/\.zip$/i, ''));
    try {
      await files.makeFolder(`${run}/checkpoints`);
      for (const [path, bytes] of contents) await writeAtomically(files, `${run}/${path}`, bytes);
      const view = await openRun(files, run);
      if (view.checkpoints.includes(LAST)) await this.refuseLost(view);
      return this.factsOf(view, new Set());
    } catch (error) {
      await files.removeFolder(run);
      throw error;
    }
  }

  /** States that a run can go on from. */
  async states(run: string): Promise<readonly NamedState[]> {
    return await wholeStates(this.storage.files, run);
  }

  /** A damaged last checkpoint is told of when the run is to go on, where there is another. */
  private async refuseLost(view: RunView): Promise<void> {
    await view.readWeights(LAST).catch(async (error: unknown) => {
      if ((await this.states(view.dir)).length === 0) throw error;
    });
  }

  private refuseOpen(run: string): void {
    if (this.training.stateOf(run) === 'stopped') return;
    throw new TabError(`The run "${run}" is training: stop it first.`, {
      code: 'run-in-use',
      facts: { run },
    });
  }

  private async newFolder(name: string): Promise<string> {
    const clean = name.replace(/[^\w.-]+/g, '-').replace(/^[.-]+|[.-]+$/g, '') || 'run';
    for (let number = 1; ; number++) {
      const run = `${RUNS}/${number === 1 ? clean : `${clean}-${number}`}`;
      if (await this.storage.files.makeFolder(run)) return run;
    }
  }

  private opened(run: Omit<OpenedRun, 'host' | 'release'>, unlock: () => void): OpenedRun {
    const { userAgent = 'unknown' } = (globalThis as unknown as Browser).navigator;
    return {
      ...run,
      host: { runtime: 'browser', userAgent } satisfies Facts,
      release: async (deviceError) => {
        this.devices.giveBack();
        unlock();
        if (deviceError) await this.devices.forget();
      },
    };
  }

  private async facts(run: string, taken: ReadonlySet<string>): Promise<RunFacts> {
    return this.factsOf(await openRun(this.storage.files, run), taken);
  }

  private factsOf(view: RunView, taken: ReadonlySet<string>): RunFacts {
    const { dir: run, config, summary, checkpoints } = view;
    const state = this.training.stateOf(run);
    const elsewhere = state === 'stopped' && taken.has(run);
    return {
      run,
      state,
      config,
      ...(summary && { summary }),
      checkpoints,
      canGoOn: state === 'stopped' && !elsewhere && summary?.outcome !== 'complete',
      ...(elsewhere && { problem: 'It is open in another tab of this browser.' }),
    };
  }
}

/** A validation split has the configuration's size, so that a resumed run makes the same. */
function withValidation(dataset: Dataset, { validation, seed }: TrainConfig): Dataset {
  if (validation === 0) return dataset;
  return { ...dataset, ...splitValidation(dataset.train, validation, seed, dataset.classes) };
}

function computingOf(config: TrainConfig): Partial<Computing> {
  const { half, convolution, tensorCores, tune } = config;
  const device = config.device.startsWith('webgpu') ? 'webgpu' : config.device;
  return {
    ...{ half, convolution, tensorCores, tune },
    ...(device !== 'auto' && { device: device as Computing['device'] }),
  };
}

/** What each becomes; where one fails, those before it are released. */
async function all<T>(
  items: readonly T[],
  open: (item: T) => Promise<OpenedRun>,
): Promise<OpenedRun[]> {
  const opened: OpenedRun[] = [];
  try {
    for (const item of items) opened.push(await open(item));
    return opened;
  } catch (error) {
    for (const each of opened) {
      await each.run.close();
      await each.release(undefined);
    }
    throw error;
  }
}

async function namesIn(files: FileSystem, run: string): Promise<string[]> {
  const inside = (await files.list(`${run}/checkpoints`)).map((name) => `checkpoints/${name}`);
  return [...(await files.list(run)), ...inside];
}

async function unzip(zip: Blob, name: string): Promise<Map<string, Uint8Array>> {
  try {
    return await unpackFolder(new Uint8Array(await zip.arrayBuffer()));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${name}: ${messageOf(error)}`, { cause: error });
  }
}

/** The run's files by their path in its folder, which may lie in folders of the archive. */
function runFiles(entries: ReadonlyMap<string, Uint8Array>, name: string): Map<string, Uint8Array> {
  const configs = [...entries.keys()].filter((path) => path.split('/').at(-1) === CONFIG);
  const [config] = configs.sort((a, b) => a.length - b.length);
  if (config === undefined) {
    throw new UserError(`${name} holds no run: it has no ${CONFIG}.`);
  }
  const folder = config.slice(0, -CONFIG.length);
  return new Map(
    [...entries].flatMap(([path, bytes]) => {
      const inside = path.startsWith(folder) ? path.slice(folder.length) : '';
      return RUN_FILES.test(inside) ? [[inside, bytes] as const] : [];
    }),
  );
}
