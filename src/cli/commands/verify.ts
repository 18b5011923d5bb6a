// `table6 verify`: whether run folders and weights files are as they were written.

import { statSync } from 'node:fs';
import { checkOnnxSeal, looksLikeOnnx } from '../../interop/onnx/seal.ts';
import { checkSeal } from '../../interop/safetensors/seal.ts';
import { readBytes } from '../../interop/weights.node.ts';
import { nodeFileSystem } from '../../runs/file-system.node.ts';
import { readModel } from '../../runs/model.ts';
import { isRun } from '../../runs/reader.ts';
import { trimSlash } from '../../runs/run.ts';
import { type Finding, verifyRun } from '../../runs/verify.ts';
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
  readonly isRun: boolean;
  /** Why nothing could be looked at. */
  readonly error?: string;
}

export const verify = defineCommand({
  name: 'verify',
  summary: 'Whether run folders and weights files are whole, by their checksums',
  description:
    'Of a run: every checkpoint, the configuration, the metrics, and whether they belong together; and from which state a resume can begin. Nothing is changed. The exit code is 1 where something is damaged.',
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
    { command: 'verify model.safetensors weights.th', help: 'Files of weights' },
  ],
  async run({ values, positionals }) {
    const reports: Report[] = [];
    for (const path of (await Promise.all(positionals.map(runsIn))).flat()) {
      const report = await examine(path);
      reports.push(report);
      if (!values.json) print(report, progressTerminal(false));
    }
    if (values.json) printJson(reports.map(({ isRun: _isRun, ...report }) => report));
    return reports.some(({ findings, error }) => error || findings.some(isDamage)) ? 1 : 0;
  },
});

function isDamage({ state }: Finding): boolean {
  return state === 'damaged';
}

/** A folder of runs stands for them. */
async function runsIn(path: string): Promise<string[]> {
  const files = nodeFileSystem;
  const folder = trimSlash(path);
  if (await isRun(files, folder)) return [path];
  const runs: string[] = [];
  for (const name of (await files.list(folder)).sort()) {
    if (await isRun(files, `${folder}/${name}`)) runs.push(`${folder}/${name}`);
  }
  return runs.length > 0 ? runs : [path];
}

/** One that cannot be looked at does not cost the others. */
async function examine(path: string): Promise<Report> {
  try {
    return await examineOne(path);
  } catch (error) {
    const known = repairable(error);
    if (!known) throw error;
    return { path, isRun: false, findings: [], error: worded(known, 'verify') };
  }
}

async function examineOne(path: string): Promise<Report> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isFolder) return { path, isRun: true, ...(await verifyRun(nodeFileSystem, trimSlash(path))) };
  return { path, isRun: false, findings: [{ file: path, ...(await examineFile(path)) }] };
}

const UNCHECKED = { state: 'unchecked', text: 'it has no checksum' } as const;
const ONNX = {
  whole: { state: 'whole', text: '' },
  damaged: { state: 'damaged', text: 'its content does not match its checksum' },
  none: UNCHECKED,
} as const;

async function examineFile(path: string): Promise<Omit<Finding, 'file'>> {
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

function print({ path, findings, newest, isRun, error }: Report, terminal: Terminal): void {
  if (error !== undefined) terminal.line(error, 'bad');
  if (isRun) terminal.line(path);
  const width = Math.max(...findings.map(({ file }) => file.length));
  for (const { file, state, text } of findings) {
    const line = `${isRun ? '  ' : ''}${file.padEnd(width)}  ${state}${text === '' ? '' : `: ${text}`}`;
    terminal.line(line, state === 'damaged' ? 'bad' : 'plain');
  }
  if (!isRun) return;
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
