// A checksum at the end of an ONNX file: one more entry of the model's metadata, which other programs show and
// otherwise leave alone. It is the SHA-256 of the whole file with zeros in its own place, as in safetensors files
// (safetensors/seal.ts). A message may be continued behind its end, so nothing else has to be written anew.

import { sha256Hex } from '../../formats/sha256.ts';

const KEY = 'table6_checksum';
/** Stands in the metadata, too, in case the checksum's own name is damaged. */
export const SEALED = { table6_sealed: 'yes' } as const;

const BLANK = '0'.repeat(64);
const ALGORITHM = 'sha256:';

/** Field 14 of ModelProto, metadata_props: a message with a key (1) and a value (2). */
function entry(digits: string): Uint8Array {
  const text = (tag: number, value: string) => {
    const bytes = new TextEncoder().encode(value);
    return [tag, bytes.length, ...bytes];
  };
  const message = [...text(0x0a, KEY), ...text(0x12, ALGORITHM + digits)];
  return Uint8Array.from([0x72, message.length, ...message]);
}

const BEGINNING = entry(BLANK).subarray(0, -BLANK.length);

/** A model's file with a checksum at its end. */
export async function sealOnnx(model: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const end = entry(BLANK);
  const file = new Uint8Array(model.length + end.length);
  file.set(model);
  file.set(end, model.length);
  file.set(entry(await sha256Hex(file)), model.length);
  return file;
}

/** Whether a file is as it was written; 'none' where it has no checksum. */
export async function checkOnnxSeal(bytes: Uint8Array): Promise<'whole' | 'damaged' | 'none'> {
  const digitsAt = bytes.length - BLANK.length;
  const at = digitsAt - BEGINNING.length;
  if (at >= 0 && BEGINNING.every((byte, i) => bytes[at + i] === byte)) {
    const file = new Uint8Array(bytes);
    file.set(new TextEncoder().encode(BLANK), digitsAt);
    const digits = new TextDecoder('latin1').decode(bytes.subarray(digitsAt));
    return (await sha256Hex(file)) === digits ? 'whole' : 'damaged';
  }
  return isSealed(bytes) ? 'damaged' : 'none';
}

/** Metadata stand last, so the mark is near the end. */
function isSealed(bytes: Uint8Array): boolean {
  const end = new TextDecoder('latin1').decode(bytes.subarray(-(2 ** 20)));
  return Object.keys(SEALED).some((key) => end.includes(key));
}

/** True if a file begins like a model: the version of its format, then its producer's name. */
export function looksLikeOnnx(bytes: Uint8Array): boolean {
  return bytes[0] === 0x08 && (bytes[1] ?? 0) < 32 && bytes[2] === 0x12;
}
