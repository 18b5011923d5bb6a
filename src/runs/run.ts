// A run is a folder: config.json, metrics.jsonl, summary.json, environment.json, log.txt and
// checkpoints/. Here one is made, or opened to go on with; who writes it is in run-folder.ts.

import { parseTrainConfig, RESUMABLE_SETTINGS, type TrainConfig } from '../train/config.ts';
import { UserError } from '../util/errors.ts';
import { pick } from '../util/objects.ts';
import { refuseEdits } from './edits.ts';
import { lengthNotice, withEpochs } from './extend.ts';
import { type FileSystem, writeAtomically } from './file-system.ts';
import { CONFIG, METRICS } from './layout.ts';
import { type LockOptions, lockRun } from './lock.ts';
import { configChecksum, readConfigFile, readDerived } from './reader.ts';
import { makeFolder, Run, type RunHost, toJson } from './run-folder.ts';
import { goBackTo, stateToResume } from './states.ts';

export type { Run, RunHost } from './run-folder.ts';

export interface CreateRunOptions {
  readonly config: TrainConfig;
  /** The folder; without it a new one is made in `root`. */
  readonly dir?: string;
  /** Where folders of their own are made (default `runs`). */
  readonly root?: string;
}

/**
 * Makes a run folder: the one asked for, or `<arch>-seed<seed>`, `-2`, `-3` ... so that no run is
 * ever overwritten.
 * @throws UserError if the folder holds a run, or cannot be written
 */
export async function createRun(host: RunHost, options: CreateRunOptions): Promise<Run> {
  const { files } = host;
  const dir = trimSlash(options.dir ?? (await makeNumberedFolder(files, options)));
  if (options.dir !== undefined) {
    await makeFolder(files, dir);
    await refuseExisting(files, dir);
  }
  const lock = await lockRun(files, dir, host.self);
  try {
    // Again, now that nobody else can make one.
    await refuseExisting(files, dir);
    await makeFolder(files, `${dir}/checkpoints`);
    await writeAtomically(files, `${dir}/${CONFIG}`, toJson(options.config));
    const checksum = await configChecksum(options.config);
    return await Run.open({ host, lock, dir, config: options.config, checksum });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

export interface ResumeOptions extends LockOptions {
  /** A checkpoint to go on from, by name, instead of the last one. */
  readonly from?: string;
  /** Epochs in the whole run, where these are others than it had; see `withEpochs`. */
  readonly epochs?: number | undefined;
}

/**
 * Opens a run to go on with it from its last checkpoint, or from the beginning if it was killed
 * before the first. What metrics.jsonl says beyond that point is cut off.
 * @param changes settings that do not change the weights (`RESUMABLE_SETTINGS`); others are ignored
 * @throws UserError if the folder holds no run, its config.json was edited, its last checkpoint is damaged,
 *   or another process is training in it
 */
export async function resumeRun(
  host: RunHost,
  dir: string,
  changes: Partial<TrainConfig> = {},
  options: ResumeOptions = {},
): Promise<Run> {
  const { files } = host;
  const folder = trimSlash(dir);
  await readConfigFile(files, folder); // or it is no run, and nothing is to be written there
  const lock = await lockRun(files, folder, host.self, options);
  try {
    // Again, now that nobody else can write it.
    const { config, checksum } = await readConfigFile(files, folder);
    const { summary, environment, damaged } = await readDerived(files, folder);
    const found = await stateToResume(files, folder, { from: options.from, summary });
    if (found) refuseEdits(config, found.state.config, folder);
    const before = found?.state.config ?? config;
    const { name, note } = config;
    const done = found?.state.progress.epoch ?? 0;
    const { epochs = before.schedule.length } = options;
    const longer = options.epochs === undefined ? before : withEpochs(before, epochs, done);
    const checked = parseTrainConfig({
      ...{ ...longer, name, note },
      ...pick(changes, RESUMABLE_SETTINGS),
    });
    const notices = damaged.map((problem) => `${problem} It is made again.`);
    if (checked.schedule.length !== config.schedule.length) {
      notices.push(lengthNotice(config, checked));
    }
    if (found?.notice) notices.push(found.notice);
    const moved = found && (await goBackTo(files, folder, found));
    if (moved) notices.push(moved);
    const run = await Run.open({
      ...{ host, lock, dir: folder, config: checked, checksum },
      ...{ found, environment, notices },
    });
    await run.keepChanges(config, summary);
    return run;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** A folder's path without slashes at its end. */
export function trimSlash(dir: string): string {
  return dir.length > 1 ? dir.replace(/[/\\]+$/, '') || '/' : dir;
}

async function makeNumberedFolder(files: FileSystem, options: CreateRunOptions): Promise<string> {
  const { config, root = 'runs' } = options;
  const name = `${trimSlash(root)}/${config.arch}-seed${config.seed}`;
  for (let number = 1; ; number++) {
    const dir = number === 1 ? name : `${name}-${number}`;
    if (await makeFolder(files, dir)) return dir;
  }
}

async function refuseExisting(files: FileSystem, dir: string): Promise<void> {
  const names = await files.list(dir);
  if (!names.includes(CONFIG) && !names.includes(METRICS)) return;
  throw new UserError(`"${dir}" already holds a run: resume it, or choose another folder.`, {
    code: 'run-exists',
    facts: { dir },
  });
}
