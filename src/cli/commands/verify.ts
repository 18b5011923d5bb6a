// `table6 verify`: whether run folders, tables of them and weights files are as they were written.

import { statSync } from 'node:fs';
import { submittedFiles } from '../../cluster/slurm/submissions.ts';
import { PLAN } from '../../experiment/plan.ts';
import { verifyTable } from '../../experiment/verify.ts';
import { checkOnnxSeal, looksLikeOnnx } from '../../interop/onnx/seal.ts';
import { checkSeal } from '../../interop/safetensors/seal.ts';
import { readBytes } from '../../interop/weights.node.ts';
import { nodeFileSystem } from '../../runs/file-system.node.ts';
import { CONFIG } from '../../runs/layout.ts';
import { readModel } from '../../runs/model.ts';
import { isRun } from '../../runs/reader.ts';
import { trimSlash } from '../../runs/run.ts';
import { examine, type Finding, verifyJson, verifyRun } from '../../runs/verify.ts';
import { UserError } from '../../util/errors.ts';
import { quoted, repairable, worded } from '../advice.ts';
import { defineCommand } from '../command.ts';
import { commandName } from '../console/command-name.ts';
import { printJson } from '../console/print.ts';
import type { Terminal } from '../console/terminal.ts';
import { jsonOption } from '../session/common-options.ts';
import { progressTerminal } from '../session/output.ts';

interface Report {
  readonly path: string;
  readonly findings: readonly Finding[];
  /** Of a run: the checkpoint that a resume can begin from, and where that is. */
  readonly newest?: { readonly name: string; readonly place: string } | undefined;
  readonly kind: 'run' | 'table' | 'file';
  /** Why nothing could be looked at. */
  readonly error?: string;
}

export const verify = defineCommand({
  description:
    'Of a run: every checkpoint, the configuration, the metrics, and whether they belong together; and from which state a resume can begin. Of a table: its plan, and all its runs. Nothing is changed. The exit code is 1 where something is damaged.',
  arguments: [
    {
      name: 'RUN|FILE',
      help: 'run folders, folders of them, .safetensors, .th, .pth or .onnx',
      required: true,
      repeated: true,
    },
  ],
  options: { json: jsonOption },
  examples: [
    { command: 'verify runs/resnet20-seed1', help: 'After a crash, or a copy' },
    { command: 'verify runs', help: 'All runs in a folder' },
    { command: 'verify runs/table6', help: 'What table6 reproduce made: the plan and every run' },
    { command: 'verify model.safetensors weights.th', help: 'Files of weights' },
  ],
  async run({ values, positionals }) {
    const reports: Report[] = [];
    for (const { path, kind } of (await Promise.all(positionals.map(placesIn))).flat()) {
      const report = await look(path, kind);
      reports.push(report);
      if (!values.json) print(report, progressTerminal(false));
    }
    if (values.json) printJson(reports.map(({ kind: _kind, ...report }) => report));
    return reports.some(({ findings, error }) => error || findings.some(isDamage)) ? 1 : 0;
  },
});

function isDamage({ state }: Finding): boolean {
  return state === 'damaged';
}

type Place = Pick<Report, 'path' | 'kind'>;

/** A folder of runs stands for them, and for the table that they may be. */
async function placesIn(path: string): Promise<Place[]> {
  const files = nodeFileSystem;
  const folder = trimSlash(path);
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isFolder) return [{ path, kind: 'file' }];
  const names = await files.list(folder);
  const places: Place[] = names.includes(PLAN) ? [{ path: folder, kind: 'table' }] : [];
  for (const name of names.sort()) {
    const run = `${folder}/${name}`;
    // One that cannot be looked into is told of in its turn.
    if (await isRun(files, run).catch(() => true)) places.push({ path: run, kind: 'run' });
  }
  return places.length > 0 && !names.includes(CONFIG) ? places : [{ path, kind: 'run' }];
}

/** One that cannot be looked at does not cost the others. */
async function look(path: string, kind: Report['kind']): Promise<Report> {
  try {
    return await LOOKS[kind](path);
  } catch (error) {
    const known = repairable(error);
    if (!known) throw error;
    return { path, kind: 'file', findings: [], error: worded(known, 'verify') };
  }
}

const LOOKS: { readonly [Kind in Report['kind']]: (path: string) => Promise<Report> } = {
  file: async (path) => ({
    ...{ path, kind: 'file' },
    findings: [{ file: path, ...(await examineFile(path)) }],
  }),
  run: async (path) => ({
    ...{ path, kind: 'run' },
    ...(await verifyRun(nodeFileSystem, trimSlash(path))),
  }),
  async table(path) {
    const findings = await verifyTable(nodeFileSystem, path);
    for (const name of await submittedFiles(nodeFileSystem, path)) {
      const file = `${path}/${name}`;
      findings.push(await examine(name, file, () => verifyJson(nodeFileSystem, file, true)));
    }
    return { path, kind: 'table', findings };
  },
};

const UNCHECKED = { state: 'unchecked', text: 'it has no checksum' } as const;
const ONNX = {
  whole: { state: 'whole', text: '' },
  damaged: { state: 'damaged', text: 'its content does not match its checksum' },
  none: UNCHECKED,
} as const;

async function examineFile(path: string): Promise<Omit<Finding, 'file'>> {
  if (path.endsWith('.json')) {
    return await examine(path, path, () => verifyJson(nodeFileSystem, path, true));
  }
  const bytes = await readBytes(path);
  try {
    if (looksLikeOnnx(bytes)) return ONNX[await checkOnnxSeal(bytes)];
    const seal = await checkSeal(bytes);
    if (seal === 'damaged') {
      return { state: 'damaged', text: 'its content does not match its checksum' };
    }
    const { format } = readModel(bytes, 'it');
    if (seal === 'whole') return { state: 'whole', text: '' };
    if (format === 'pytorch-zip') {
      return { state: 'whole', text: 'each of its entries matches its CRC-32' };
    }
    return UNCHECKED;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { state: 'damaged', text: worded(error, 'verify') };
  }
}

function print({ path, findings, newest, kind, error }: Report, terminal: Terminal): void {
  if (error !== undefined) terminal.line(error, 'bad');
  if (kind !== 'file') terminal.line(path);
  const width = Math.max(...findings.map(({ file }) => file.length));
  for (const { file, state, text } of findings) {
    const line = `${kind === 'file' ? '' : '  '}${file.padEnd(width)}  ${state}${text === '' ? '' : `: ${text}`}`;
    terminal.line(line, state === 'damaged' ? 'bad' : 'plain');
  }
  if (kind !== 'run') return;
  if (!newest) {
    terminal.line(
      'There is no state to go on from; a run without one begins anew when it is resumed.',
    );
    return;
  }
  const from = newest.name === 'last' ? '' : ` --from ${newest.name}`;
  terminal.line(`The newest whole state is "${newest.name}", ${newest.place}. To go on from it:`);
  terminal.line(`  ${commandName()} train --resume ${quoted(trimSlash(path))}${from}`);
}
