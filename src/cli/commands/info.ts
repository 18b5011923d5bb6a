// `table6 info`: what a weights file is, without running it.

import { statSync } from 'node:fs';
import { normalizationText } from '../../data/normalization.ts';
import { SEAL_KEYS } from '../../interop/safetensors/seal.ts';
import { parameterCount } from '../../nn/parameters.ts';
import { formatBytes, formatCount, formatPercent } from '../../util/format.ts';
import { defineCommand } from '../command.ts';
import { printJson } from '../console/print.ts';
import { checkpointOption, jsonOption, keyOption } from '../session/common-options.ts';
import { type Model, noticesOf, openModel } from '../session/model.ts';
import { progressTerminal } from '../session/output.ts';

const FORMATS = {
  safetensors: 'safetensors',
  'pytorch-zip': 'PyTorch, zip format (1.6 and later)',
  'pytorch-legacy': 'PyTorch, legacy format (before 1.6)',
} as const;

/** What is shown under a heading of its own, or is only for this program. */
const SHOWN = new Set([
  ...['format', 'version', 'arch', 'shortcut', 'classes', 'normalization', 'config'],
  ...['progress', 'metricsBytes', 'metricsCrc', 'origin', 'epochs', 'error', 'recipe'],
  ...SEAL_KEYS,
]);

/** Metadata may hold a whole log. */
const MOST_CHARACTERS = 100;

export const info = defineCommand({
  description:
    'The network is recognised from the names and shapes of the tensors. Nothing in the file is executed.',
  arguments: [{ name: 'FILE', help: 'a run folder, .safetensors, .th or .pth', required: true }],
  options: {
    checkpoint: checkpointOption,
    key: keyOption,
    json: jsonOption,
  },
  examples: [
    { command: 'info resnet20-12fca82f.th', help: 'Published weights' },
    { command: 'info runs/resnet20-seed1 --checkpoint last --json', help: 'For another program' },
  ],
  async run({ values, positionals }) {
    const path = positionals[0]!;
    const model = await openModel(path, {
      checkpoint: values.checkpoint,
      key: values.key,
      allowDefects: true,
    });
    if (values.json) printJson(toJson(model));
    else print(model, statSync(path));
    return 0;
  },
});

function toJson(model: Model) {
  const { title, format, network, normalization, saysNormalization, classes, facts } = model;
  return {
    file: title,
    format,
    arch: network.arch,
    shortcut: network.shortcut,
    classes: network.classes,
    class_names: classes ?? null,
    parameters: parameterCount(network),
    tensors: model.weights.size,
    normalization: saysNormalization ? normalization : null,
    normalization_assumed: saysNormalization ? null : normalization.kind,
    defect: model.defect ?? null,
    notices: noticesOf(model),
    recipe: facts?.config.recipe ?? null,
    epochs: facts?.epochs ?? null,
    error: facts?.error ?? null,
    checksum: hasChecksum(model),
    metadata: Object.fromEntries(Object.entries(model.metadata).filter(([key]) => !SHOWN.has(key))),
  };
}

function print(model: Model, file: { isFile(): boolean; size: number }): void {
  const { network, classes, facts, metadata } = model;
  const terminal = progressTerminal(false);
  const row = (name: string, value: string) => terminal.line(`${name.padEnd(15)}${value}`);
  row('file', model.title);
  const size = file.isFile() ? `, ${formatBytes(file.size)}` : '';
  row('format', `${FORMATS[model.format]}${size}`);
  const shortcut = network.shortcut === 'none' ? 'no shortcuts' : `shortcut ${network.shortcut}`;
  row('checksum', checksumOf(model));
  row('network', `${network.arch}, ${shortcut}`);
  row('classes', `${network.classes}${classes ? `: ${listed(classes)}` : ', without names'}`);
  row('parameters', formatCount(parameterCount(network)));
  row(
    'normalisation',
    model.saysNormalization
      ? normalizationText(model.normalization)
      : "not said; ImageNet's is assumed, which the published CIFAR ResNets use",
  );
  if (model.defect !== undefined) {
    row('values', `of no use: ${model.defect}; the training diverged, or the file is damaged`);
  }
  for (const { about, text } of model.notices) row(about ?? 'note', text);
  if (facts) {
    row('recipe', facts.config.recipe);
    row('epochs', formatCount(facts.epochs));
    row('test error', facts.error === undefined ? 'not evaluated' : formatPercent(facts.error));
    row('data', facts.config.data);
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (!SHOWN.has(key)) row(shortened(key, 14), shortened(value, MOST_CHARACTERS));
  }
}

/** It was verified when the model was read. */
function hasChecksum({ metadata }: Model): boolean {
  return SEAL_KEYS.every((key) => metadata[key] !== undefined);
}

function checksumOf(model: Model): string {
  if (hasChecksum(model)) return 'SHA-256, verified';
  return model.format === 'pytorch-zip'
    ? 'CRC-32 of each entry, verified'
    : 'none, so damage cannot be noticed (older versions and other programs write none)';
}

function listed(names: readonly string[]): string {
  const first = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${first} ...` : first;
}

/** In one line of printable characters: the text is from a file. */
function shortened(value: string, most: number): string {
  const line = value.replace(/[^\x20-\x7e\u00a0-\uffff]+/g, ' ');
  return line.length > most ? `${line.slice(0, most - 3)}...` : line;
}
