// Whether a run folder is whole, as `git fsck` asks of a repository: every file as it was written, and all of
// them of one run. Nothing is changed. What has no checksum (older versions, other programs) is said to have
// none: it can be read, and that is all that is known.

import { crc32 } from '../formats/checksum.ts';
import { checkSeal } from '../interop/safetensors/seal.ts';
import { createNetwork } from '../nn/network.ts';
import { checkWeights } from '../nn/parameters.ts';
import type { TrainConfig } from '../train/config.ts';
import { UserError } from '../util/errors.ts';
import { fileError } from '../util/system-errors.ts';
import { decodeState, decodeWeights, type LoadedState, weightsSha256 } from './checkpoint.ts';
import { refuseEdits } from './edits.ts';
import type { FileSystem } from './file-system.ts';
import {
  CELL,
  CONFIG,
  checkpointNames,
  checkpointPath,
  ENVIRONMENT,
  EVALUATION,
  FAILURE,
  METRICS,
  SUMMARY,
} from './layout.ts';
import { damagedLines, doubledEpochs } from './metrics.ts';
import { readConfigFile, readEnvironment, readSummary } from './reader.ts';
import { readSealedJson } from './sealed-json.ts';
import { LAST, newestWhole, PREVIOUS } from './states.ts';
import type { RunSummary } from './summary.ts';

export interface Finding {
  /** Its path within the run folder, or the file as it was named. */
  readonly file: string;
  /** 'unchecked': it can be read, and has no checksum that would say more. */
  readonly state: 'whole' | 'unchecked' | 'damaged' | 'missing';
  /** What is wrong, for people; empty where nothing is. */
  readonly text: string;
}

export interface RunFindings {
  readonly findings: readonly Finding[];
  /** The newest state that a resume can begin from. */
  readonly newest: { readonly name: string; readonly place: string } | undefined;
}

/** @throws UserError if there is no run */
export async function verifyRun(files: FileSystem, dir: string): Promise<RunFindings> {
  if (!(await files.list(dir)).includes(CONFIG)) {
    throw new UserError(`There is no run in "${dir}": it has no ${CONFIG}.`);
  }
  const verifier = new Verifier(files, dir);
  await verifier.verify();
  const findings = verifier.findings.sort((a, b) => (a.file < b.file ? -1 : 1));
  return { findings, newest: await newestWhole(files, dir, []) };
}

/** What was found of a file that is not damaged. */
type Sound = Exclude<Finding['state'], 'damaged'>;

const TEXTS: Readonly<Record<Sound, string>> = {
  whole: '',
  unchecked: 'it has no checksum (older versions wrote none)',
  missing: 'it is made again when the run goes on',
};

/**
 * @param file how it is called
 * @param work throws if the file is damaged
 */
export async function examine(
  file: string,
  path: string,
  work: () => Promise<Sound>,
): Promise<Finding> {
  try {
    const state = await work();
    return { file, state, text: TEXTS[state] };
  } catch (error) {
    const { message } = fileError(error, { path, doing: 'read' });
    return { file, state: 'damaged', text: message };
  }
}

/**
 * Whether a JSON file is as it was written, whatever it says.
 * @param isEdited people write or change files of this kind
 * @throws UserError if it is not
 */
export async function verifyJson(
  files: FileSystem,
  path: string,
  isEdited = false,
): Promise<Sound> {
  const found = await readSealedJson(files, path, isEdited);
  if (!found) return 'missing';
  return found.hasChecksum ? 'whole' : 'unchecked';
}

class Verifier {
  readonly findings: Finding[] = [];
  private readonly files: FileSystem;
  private readonly dir: string;
  private summary: RunSummary | undefined;
  private config: TrainConfig | undefined;
  private readonly states = new Map<string, LoadedState>();

  constructor(files: FileSystem, dir: string) {
    this.files = files;
    this.dir = dir;
  }

  async verify(): Promise<void> {
    const { files, dir } = this;
    await this.examine(SUMMARY, async () => {
      this.summary = await readSummary(files, dir);
      return await verifyJson(files, `${dir}/${SUMMARY}`);
    });
    await this.examine(CONFIG, () => this.verifyConfig());
    for (const name of await checkpointNames(files, dir)) {
      await this.examine(`checkpoints/${name}.safetensors`, () => this.verifyCheckpoint(name));
    }
    await this.examine(ENVIRONMENT, async () => {
      await readEnvironment(files, dir);
      return await verifyJson(files, `${dir}/${ENVIRONMENT}`);
    });
    await this.examine(METRICS, () => this.verifyMetrics());
    this.tellOlderSummary();
    const names = await files.list(dir);
    for (const name of [CELL, EVALUATION, FAILURE].filter((each) => names.includes(each))) {
      await this.examine(name, () => verifyJson(files, `${dir}/${name}`, name === CELL));
    }
  }

  private async examine(file: string, work: () => Promise<Sound>): Promise<void> {
    this.findings.push(await examine(file, `${this.dir}/${file}`, work));
  }

  private async verifyConfig(): Promise<Sound> {
    const { config, checksum } = await readConfigFile(this.files, this.dir);
    this.config = config;
    const recorded = this.summary?.configChecksum;
    if (recorded === undefined) return 'unchecked';
    if (recorded === checksum) return 'whole';
    throw new UserError(`it is not the configuration that ${SUMMARY} has a checksum of`);
  }

  private async verifyCheckpoint(name: string): Promise<Sound> {
    const bytes = await this.files.read(checkpointPath(this.dir, name));
    // It was replaced meanwhile: the run is training.
    if (!bytes) return 'missing';
    const seal = await checkSeal(bytes);
    if (seal === 'damaged') throw new UserError('its content does not match its checksum');
    const { facts, weights, metadata } = decodeWeights(bytes, 'it');
    if (!facts) throw new UserError('it is no checkpoint of table6');
    checkWeights(createNetwork(facts.config.arch, facts.config), weights, 'it');
    if (this.config) refuseEdits(this.config, facts.config, this.dir);
    if (metadata.progress !== undefined) {
      const state = decodeState(bytes, 'it');
      if (name === LAST && this.summary) await agree(state, this.summary);
      this.states.set(name, state);
    }
    return seal === 'whole' ? 'whole' : 'unchecked';
  }

  /** As it is where it could not be written, or a run was killed in between. */
  private tellOlderSummary(): void {
    const last = this.states.get(LAST)?.state.progress;
    if (!last || !this.summary || this.summary.iteration >= last.iteration) return;
    const at = this.findings.findIndex(({ file, text }) => file === SUMMARY && text === '');
    if (at < 0) return;
    const text = `it is older than the checkpoint "${LAST}", and is made again when the run goes on`;
    this.findings[at] = { ...this.findings[at]!, text };
  }

  private async verifyMetrics(): Promise<Sound> {
    const state = this.states.get(LAST) ?? this.states.get(PREVIOUS);
    const bytes = (await this.files.read(`${this.dir}/${METRICS}`)) ?? new Uint8Array();
    const expected = state?.metricsBytes ?? 0;
    if (bytes.length < expected) {
      throw new UserError(
        `it is ${expected - bytes.length} bytes shorter than when the checkpoint was saved`,
      );
    }
    const known = state ? bytes.subarray(0, expected) : bytes;
    if (state?.metricsCrc !== undefined && crc32(known) !== state.metricsCrc) {
      throw new UserError('its content does not match the checksum that the checkpoint has of it');
    }
    const text = new TextDecoder().decode(known);
    const [line] = damagedLines(text);
    if (line !== undefined) throw new UserError(`its line ${line} cannot be read`);
    const [epoch] = doubledEpochs(text);
    if (epoch !== undefined) {
      throw new UserError(`epoch ${epoch + 1} ends in it more than once`);
    }
    return state?.metricsCrc === undefined ? 'unchecked' : 'whole';
  }
}

/** @throws UserError where a summary tells of the same moment, and of something else */
async function agree({ state }: LoadedState, summary: RunSummary): Promise<void> {
  const { progress } = state;
  const isSameMoment =
    summary.iteration === progress.iteration && summary.epochsDone === progress.epoch;
  if (!isSameMoment) return;
  if (JSON.stringify(summary.result) !== JSON.stringify(progress.result)) {
    throw new UserError(`${SUMMARY} tells of other errors than it does`);
  }
  if (summary.weightsSha256 === undefined) return;
  if (summary.weightsSha256 === (await weightsSha256(state.weights))) return;
  throw new UserError(`its weights are not those whose SHA-256 ${SUMMARY} has`);
}
