// Raw deflate (RFC 1951) with the host's own streams, which Node.js and browsers both have.

import { joined } from '../util/bytes.ts';
import { UserError } from '../util/errors.ts';

/** Bytes given to a stream at a time, so that a false size is noticed before much is made of it. */
const CHUNK = 16_384;
/** The most that deflate makes of one byte: 258 bytes from two bits. */
const MAX_RATIO = 1032;

/** Deflates at the host's usual level. Hosts differ in the bytes, not in what they inflate to. */
export async function deflateRaw(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return joined(await Array.fromAsync(transformed(bytes, new CompressionStream('deflate-raw'))));
}

/**
 * Inflates to exactly `size` bytes, and allocates no more, whatever the input holds.
 * @throws UserError if it holds more or less, or is damaged
 */
export async function inflateRaw(
  deflated: Uint8Array,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (size > deflated.length * MAX_RATIO) {
    throw new UserError(`${deflated.length} bytes cannot be inflated to ${size}`);
  }
  const bytes = new Uint8Array(size);
  let filled = 0;
  for await (const part of transformed(deflated, new DecompressionStream('deflate-raw'))) {
    if (filled + part.length > size) throw new UserError(`it inflates to more than ${size} bytes`);
    bytes.set(part, filled);
    filled += part.length;
  }
  if (filled < size) throw new UserError(`it inflates to ${filled} bytes, not ${size}`);
  return bytes;
}

/** What comes out of a stream; nothing more is put in once the caller has left the loop. */
async function* transformed(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
): AsyncGenerator<Uint8Array> {
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  const written = (async () => {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      await writer.ready;
      // Shared memory is copied by a stream as well; only the DOM's types do not say so.
      await writer.write(bytes.subarray(at, at + CHUNK) as Uint8Array<ArrayBuffer>);
    }
    await writer.close();
  })();
  // The reader meets the same error; this one would only be reported as unhandled.
  written.catch(() => {});
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw new UserError('it is not valid deflate data', { cause: error });
  } finally {
    await reader.cancel().catch(() => {});
  }
}
