// `table6 convert`: weights from one format to another, for PyTorch, ONNX Runtime and the rest.

import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { EXPORT_FORMATS, exportFile, formatOfName } from '../../runs/export.ts';
import { nodeFileSystem } from '../../runs/file-system.node.ts';
import { writeAtomically } from '../../runs/file-system.ts';
import { UserError } from '../../util/errors.ts';
import { formatBytes } from '../../util/format.ts';
import { fileError } from '../../util/system-errors.ts';
import { defineCommand } from '../command.ts';
import { shortcutText } from '../console/network.ts';
import { printBeside, printJson } from '../console/print.ts';
import { flagName, usageError } from '../options.ts';
import { jsonOption, modelOptions } from '../session/common-options.ts';
import { noticesOf, openTypedModel } from '../session/model.ts';
import { progressTerminal } from '../session/output.ts';
import { choice, flag } from '../values.ts';

const TITLES = { safetensors: 'safetensors', pth: 'PyTorch', onnx: 'ONNX' } as const;

export const convert = defineCommand({
  description:
    'Reads a run folder or any weights file and writes the format that the new name ends in: .safetensors, .pth (also .th, .pt) or .onnx. ONNX models take pixels and normalise them themselves, unless --input says otherwise; they have opset 17 and any batch size.',
  arguments: [
    { name: 'IN', help: 'a run folder, .safetensors, .th or .pth', required: true },
    { name: 'OUT', help: 'the file to write', required: true },
  ],
  options: {
    to: choice(EXPORT_FORMATS, {
      help: 'Format, where the name does not say',
      shownDefault: "by OUT's name",
    }),
    ...modelOptions,
    force: flag({ help: 'Replace OUT where it exists', short: 'f' }),
    half: flag({
      help: 'Kernels and the last layer in half precision: half the size; batch norms stay as they are',
      group: 'safetensors',
    }),
    modulePrefix: flag({
      help: "A checkpoint as the reference implementation's trainer.py resumes and evaluates it: names with `module.`, wrapped with epoch and best_prec1",
      group: 'PyTorch',
    }),
    input: choice(['uint8', 'float', 'normalized'], {
      help: 'What the model takes: pixels 0 to 255 as bytes or floats, or floats already normalised',
      shownDefault: 'uint8',
      group: 'ONNX',
    }),
    fold: flag({
      help: 'Fold batch norms into the convolutions, the default',
      group: 'ONNX',
    }),
    noFold: flag({ help: 'Keep batch norms as nodes of their own', group: 'ONNX' }),
    json: jsonOption,
  },
  examples: [
    { command: 'convert resnet20-12fca82f.th resnet20.safetensors', help: 'Published weights' },
    {
      command: 'convert runs/resnet20-seed1 resnet20.onnx',
      help: "A run's best checkpoint, taking raw pixels",
    },
    {
      command: 'convert student.pt student.safetensors --normalization 0.5/0.5',
      help: 'Says how the images were normalised, which the new file keeps',
    },
    {
      command: 'convert runs/resnet20-seed1 model.th --module-prefix',
      help: 'For trainer.py --resume model.th --evaluate',
    },
  ],
  async run({ values, positionals, given }) {
    const [from, to] = positionals as [string, string];
    const { half, modulePrefix, input } = values;
    const format = values.to ?? formatOfName(to);
    if (format === undefined) {
      throw usageError(
        'convert',
        `"${to}" does not say a format: end it in .safetensors, .pth or .onnx, or give --to`,
      );
    }
    if (values.fold && values.noFold)
      throw usageError('convert', '--fold and --no-fold exclude each other');
    refuseOthers(format, given);
    if (resolve(from) === resolve(to)) {
      throw usageError('convert', 'IN and OUT are the same file: give the new one another name');
    }
    if (existsSync(to) && !values.force) {
      throw new UserError(`${to} exists already: give another name, or --force to replace it.`);
    }
    checkFolder(dirname(to));
    const terminal = progressTerminal(true);
    const model = await openTypedModel('convert', from, values, terminal);
    const options = { half, modulePrefix, input, foldBatchNorm: !values.noFold };
    const exported = await exportFile(model, format, options);
    const { bytes } = exported;
    const notices = [...noticesOf(model), ...exported.notices];
    await writeAtomically(nodeFileSystem, to, bytes);
    for (const line of notices) printBeside(line);
    if (values.json) {
      const { network } = model;
      printJson({
        from: model.title,
        to,
        format,
        arch: network.arch,
        shortcut: network.shortcut,
        normalization: model.normalization.kind,
        normalization_assumed: !model.saysNormalization,
        bytes: bytes.length,
        notices,
      });
    } else {
      const { network, title } = model;
      progressTerminal(false).line(
        `${to}: ${TITLES[format]}, ${formatBytes(bytes.length)}, from ${title} (${network.arch}${shortcutText(network)}, ${network.classes} classes)`,
      );
    }
    return 0;
  },
});

/** Before the weights are read: the mistake is in the command, not in them. */
function checkFolder(folder: string): void {
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    if (existsSync(folder)) throw fileError(error, { path: folder, doing: 'write' });
    throw new UserError(`The folder ${folder} cannot be written to: it does not exist.`);
  }
}

/** An option that would do nothing is a misunderstanding. */
function refuseOthers(format: string, given: ReadonlySet<string>): void {
  const only = {
    half: 'safetensors',
    modulePrefix: 'pth',
    input: 'onnx',
    fold: 'onnx',
    noFold: 'onnx',
  } as const;
  for (const key of Object.keys(only) as (keyof typeof only)[]) {
    if (given.has(key) && only[key] !== format) {
      throw usageError('convert', `--${flagName(key)} is for ${TITLES[only[key]]} files only`);
    }
  }
}
