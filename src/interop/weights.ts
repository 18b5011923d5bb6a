// Weights from a file's bytes, whatever its format: the format is told by its first bytes, never by
// its name, so a renamed download still opens and a web page saved as `.th` is called what it is.

import { looksLikeZip } from '../formats/zip.ts';
import type { Network } from '../nn/network.ts';
import { UserError } from '../util/errors.ts';
import type { NamedTensors } from '../util/tensor.ts';
import { looksLikePickle, readPyTorch } from './pytorch/read.ts';
import { recognizeNetwork } from './recognize.ts';
import {
  looksLikeSafetensors,
  readSafetensors,
  toNamedTensors,
} from './safetensors/safetensors.ts';

export type WeightsFormat = 'safetensors' | 'pytorch-zip' | 'pytorch-legacy';

export interface Weights {
  readonly format: WeightsFormat;
  /** The network that the tensors belong to, recognised from them. */
  readonly network: Network;
  /** Parameters and running statistics; batch counters, which nothing uses, are left out. */
  readonly tensors: NamedTensors;
  /** safetensors metadata, or what stood beside a PyTorch state_dict (`epoch`, `best_prec1`). */
  readonly metadata: Readonly<Record<string, string>>;
}

interface FileContent {
  readonly format: WeightsFormat;
  readonly tensors: NamedTensors;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads weights: safetensors, or PyTorch's zip or legacy format.
 * @param what how errors call the file, usually its path
 * @throws UserError one sentence: what the file is instead, where it is damaged, or which tensor is wrong
 */
export function readWeights(bytes: Uint8Array, what = 'The file'): Weights {
  const content = readContent(bytes, what);
  const network = recognizeNetwork(content.tensors, content.metadata, what);
  const tensors: NamedTensors = new Map(
    [...content.tensors].filter(([name]) => !name.endsWith('.num_batches_tracked')),
  );
  return { ...content, network, tensors };
}

function readContent(bytes: Uint8Array, what: string): FileContent {
  try {
    if (looksLikeZip(bytes) || looksLikePickle(bytes)) {
      const { tensors, extra, format } = readPyTorch(bytes);
      const metadata = Object.fromEntries(Object.entries(extra).map(([k, v]) => [k, String(v)]));
      return { format: `pytorch-${format}`, tensors, metadata };
    }
    if (looksLikeSafetensors(bytes)) {
      const { tensors, metadata } = readSafetensors(bytes);
      return { format: 'safetensors', tensors: toNamedTensors(tensors), metadata };
    }
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${what}: ${error.message}`);
    throw error;
  }
  throw new UserError(`${what} ${whatItIs(bytes)}`);
}

/** What a file that is no weights file probably is. */
function whatItIs(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'is empty: copy or download it again.';
  const text = String.fromCharCode(...bytes.subarray(0, 256)).trimStart();
  if (/^<(!doctype|html|head|\?xml)/i.test(text)) {
    return 'is a web page, not weights: the download probably led to a page; fetch the file itself.';
  }
  if (text.startsWith('version https://git-lfs')) {
    return 'is a Git LFS pointer, not weights: run "git lfs pull" where it came from.';
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'is compressed with gzip: unpack it first.';
  if (String.fromCharCode(...bytes.subarray(257, 262)) === 'ustar') {
    return 'is a tar archive (PyTorch before 0.4 wrote such): save the weights with a newer PyTorch.';
  }
  if (bytes[0] === 0x08 && (bytes[1] ?? 0) < 32 && bytes[2] === 0x12) {
    return 'is an ONNX model, which this program writes but does not read: convert the weights it was made from, or run it with ONNX Runtime.';
  }
  return 'is not a weights file: safetensors (.safetensors) or PyTorch (.pth, .pt, .th) is needed.';
}
