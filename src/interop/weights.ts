// Weights from a file's bytes, whatever its format: the format is told by its first bytes, never by
// its name, so a renamed download still opens and a web page saved as `.th` is called what it is.

import { decodeFloat32 } from '../formats/dtypes.ts';
import { looksLikeZip } from '../formats/zip.ts';
import type { Network } from '../nn/network.ts';
import { latin1 } from '../util/bytes.ts';
import { UserError } from '../util/errors.ts';
import type { NamedTensors } from '../util/tensor.ts';
import type { StatedNormalization } from './beside.ts';
import { looksLikeOnnx } from './onnx/seal.ts';
import { looksLikePickle, readPyTorch } from './pytorch/read.ts';
import { looksLikeSafetensors, readSafetensors } from './safetensors/safetensors.ts';
import { type SelectOptions, selectNetwork } from './select.ts';
import type { StoredFile, WeightsNotice } from './stored.ts';

export type WeightsFormat = 'safetensors' | 'pytorch-zip' | 'pytorch-legacy';

export interface Weights {
  readonly format: WeightsFormat;
  /** The network that the tensors belong to, recognised from them. */
  readonly network: Network;
  /** Parameters and running statistics; batch counters, which nothing uses, are left out. */
  readonly tensors: NamedTensors;
  /** Mean and deviation of the images, of pixel / 255, where the file has them as tensors. */
  readonly normalization?: Pick<StatedNormalization, 'mean' | 'deviation'>;
  /** safetensors metadata, or what stood beside a PyTorch state_dict (`epoch`, `best_prec1`). */
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether its layers had other names than the reference implementation's. */
  readonly renamed: boolean;
  /** Which of two networks was taken, what was left. */
  readonly notices: readonly WeightsNotice[];
}

interface FileContent extends StoredFile {
  readonly format: WeightsFormat;
}

/**
 * Reads weights: safetensors, or PyTorch's zip or legacy format.
 * @param what how errors call the file, usually its path
 * @param options what the file does not say: the network, where there are several; a plain net; shortcuts
 * @throws UserError one sentence: what the file is instead, where it is damaged, or which tensor is wrong
 */
export function readWeights(
  bytes: Uint8Array,
  what = 'The file',
  options: SelectOptions = {},
): Weights {
  const { format, metadata, ...stored } = readContent(bytes, what);
  const { arch = metadata.arch, shortcut = metadata.shortcut, key } = options;
  const hint = { arch, shortcut, key };
  const { network, tensors, renamed, normalization, notices } = inFile(what, () =>
    selectNetwork({ metadata, ...stored }, hint, what),
  );
  return {
    format,
    network,
    tensors,
    ...(normalization && {
      normalization: { mean: normalization.mean, deviation: normalization.deviation },
    }),
    metadata,
    renamed,
    notices,
  };
}

/** Damage that is found while values are read says which file has it. */
function inFile<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UserError) || error.message.startsWith(what) || error.coded) throw error;
    throw new UserError(`${what}: ${error.message}`, { cause: error });
  }
}

function readContent(bytes: Uint8Array, what: string): FileContent {
  if (looksLikeZip(bytes) || looksLikePickle(bytes)) {
    const { format, ...stored } = inFile(what, () => readPyTorch(bytes));
    return { format: `pytorch-${format}`, ...stored };
  }
  if (looksLikeSafetensors(bytes)) {
    const { tensors, metadata } = inFile(what, () => readSafetensors(bytes));
    const stored = [...tensors].map(([name, { dtype, shape, bytes: content }]) => ({
      name,
      group: 0,
      shape,
      dtype,
      read: () => decodeFloat32(dtype, content, { shape }),
    }));
    return { format: 'safetensors', tensors: stored, others: [], metadata };
  }
  throw new UserError(`${what} ${whatItIs(bytes)}`);
}

/** What a file that is no weights file probably is. */
function whatItIs(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'is empty: copy or download it again.';
  const text = latin1(bytes.subarray(0, 256)).trimStart();
  if (/^<(!doctype|html|head|\?xml)/i.test(text)) {
    return 'is a web page, not weights: the download probably led to a page; fetch the file itself.';
  }
  if (text.startsWith('version https://git-lfs')) {
    return 'is a Git LFS pointer, not weights: run "git lfs pull" where it came from.';
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'is compressed with gzip: unpack it first.';
  if (latin1(bytes.subarray(257, 262)) === 'ustar') {
    return 'is a tar archive (PyTorch before 0.4 wrote such): save the weights with a newer PyTorch.';
  }
  if (looksLikeOnnx(bytes)) {
    return 'is an ONNX model, which this program writes but does not read: convert the weights it was made from, or run it with ONNX Runtime.';
  }
  return 'is not a weights file: safetensors (.safetensors) or PyTorch (.pth, .pt, .th) is needed.';
}
