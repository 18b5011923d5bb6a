// A model as a file for other programs. Each format carries what it can: safetensors and ONNX take the
// normalisation and the class names along; a bare PyTorch state_dict has no place for them, and
// whoever writes one is told what is left behind.

import { normalizationText } from '../data/normalization.ts';
import { SEALED, sealOnnx } from '../interop/onnx/seal.ts';
import { type OnnxOptions, writeOnnx } from '../interop/onnx/write.ts';
import { writePyTorch } from '../interop/pytorch/write.ts';
import { toHalfTensors } from '../interop/safetensors/half.ts';
import { fromNamedTensors, writeSafetensors } from '../interop/safetensors/safetensors.ts';
import { SEAL_KEYS, sealSafetensors } from '../interop/safetensors/seal.ts';
import { FACT_KEYS } from './checkpoint.ts';
import { knownClasses, type Model } from './model.ts';

export const EXPORT_FORMATS = ['safetensors', 'pth', 'onnx'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportOptions {
  /** safetensors: the large tensors as float16. */
  readonly half?: boolean;
  /**
   * PyTorch: put `module.` before every name and wrap the state_dict as the reference implementation's
   * trainer saves it, so that its `--resume FILE --evaluate` runs on the file.
   */
  readonly modulePrefix?: boolean;
  /** ONNX: what the model takes (default 'uint8': pixels, which it normalises itself). */
  readonly input?: OnnxOptions['input'];
  /** ONNX: fold batch norms into the convolutions (default true). */
  readonly foldBatchNorm?: boolean;
}

export interface Exported {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Sentences for people: what the format leaves behind, what was assumed. */
  readonly notices: readonly string[];
}

/** The format that a file's name asks for. */
export function formatOfName(name: string): ExportFormat | undefined {
  if (/\.safetensors$/i.test(name)) return 'safetensors';
  if (/\.(pth|th|pt)$/i.test(name)) return 'pth';
  if (/\.onnx$/i.test(name)) return 'onnx';
  return undefined;
}

/** The file's bytes; the same model and options always give the same. */
export function exportModel(
  model: Model,
  format: ExportFormat,
  options: ExportOptions = {},
): Exported {
  switch (format) {
    case 'safetensors':
      return exportSafetensors(model, options.half ?? false);
    case 'pth':
      return exportPyTorch(model, options.modulePrefix ?? false);
    case 'onnx':
      return exportOnnx(model, options);
    default:
      throw new Error(`unknown format ${format satisfies never}`);
  }
}

/** The same for a file that is kept: where the format has a place for it, with a checksum. */
export async function exportFile(
  model: Model,
  format: ExportFormat,
  options: ExportOptions = {},
): Promise<Exported> {
  if (format === 'onnx') {
    const exported = exportOnnx(model, options, SEALED);
    return { ...exported, bytes: await sealOnnx(exported.bytes) };
  }
  const exported = exportModel(model, format, options);
  // Entries of PyTorch's archives have checksums of their own.
  if (format === 'pth') return exported;
  return { ...exported, bytes: await sealSafetensors(exported.bytes) };
}

/** What is known of a model, as text. */
function knownFacts(model: Model): Record<string, string> {
  const { network, normalization, saysNormalization, classes, metadata, facts } = model;
  const own = Object.fromEntries(
    FACT_KEYS.flatMap((key) => (metadata[key] === undefined ? [] : [[key, metadata[key]]])),
  );
  // A checksum is of the file that it stands in.
  const rest = Object.entries(metadata).filter(([key]) => !SEAL_KEYS.some((seal) => seal === key));
  return {
    ...(facts ? own : Object.fromEntries(rest)),
    arch: network.arch,
    shortcut: network.shortcut,
    ...(saysNormalization && { normalization: JSON.stringify(normalization) }),
    ...(classes && { classes: JSON.stringify(classes) }),
  };
}

function exportSafetensors(model: Model, half: boolean): Exported {
  const tensors = half ? toHalfTensors(model.weights) : fromNamedTensors(model.weights);
  const bytes = writeSafetensors(tensors, knownFacts(model));
  return { bytes, notices: [] };
}

function exportPyTorch(model: Model, modulePrefix: boolean): Exported {
  const { weights, facts, metadata, network } = model;
  if (modulePrefix) {
    const { format: _format, version: _version, config: _config, ...known } = knownFacts(model);
    const extra = {
      ...known,
      epoch: facts?.epochs ?? (Number(metadata.epoch) || 0),
      best_prec1: facts ? 100 * (1 - (facts.error ?? 1)) : Number(metadata.best_prec1) || 0,
    };
    return { bytes: writePyTorch(weights, { modulePrefix, extra }), notices: [] };
  }
  const { format: _f, version: _v, config: _c, ...known } = knownFacts(model);
  const notices: string[] = [];
  if (model.saysNormalization && model.normalization.kind !== 'imagenet') {
    notices.push(
      `Programs other than this one do not read the normalisation out of a PyTorch state_dict (${normalizationText(model.normalization)}), without which the weights are of no use: tell it to them, or write ONNX, which has it inside.`,
    );
  }
  if (network.shortcut === 'none') {
    notices.push(
      `The weights of ${network.arch} look like those of a residual network: say that they are ${network.arch} where you use them.`,
    );
  }
  if (network.shortcut === 'A-end') {
    notices.push(
      'The weights look like those of a network with zeros on both sides of its shortcuts: theirs are behind (A-end).',
    );
  }
  return { bytes: writePyTorch(weights, { facts: known }), notices };
}

function exportOnnx(
  model: Model,
  { input = 'uint8', foldBatchNorm }: ExportOptions,
  more: Readonly<Record<string, string>> = {},
): Exported {
  const { network, weights, normalization } = model;
  const {
    arch: _arch,
    shortcut: _shortcut,
    normalization: _n,
    classes: _c,
    ...metadata
  } = knownFacts(model);
  const classNames = knownClasses(model);
  const bytes = writeOnnx(network, weights, {
    input,
    foldBatchNorm,
    normalization,
    classNames,
    metadata: { ...metadata, ...more },
  });
  const notices = model.saysNormalization
    ? []
    : [
        "The weights do not say their normalisation: the model has ImageNet's, which the published CIFAR ResNets use.",
      ];
  return { bytes, notices };
}
