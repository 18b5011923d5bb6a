// The two 32-bit cyclic redundancy checks that the file formats here use: CRC-32 (ZIP, reflected
// polynomial 0xedb88320) and CRC-32C (TensorBoard's records, Castagnoli, 0x82f63b78). One table of
// 256 remainders each, made at first use.

const TABLES = new Map<number, Uint32Array>();

function table(polynomial: number): Uint32Array {
  let remainders = TABLES.get(polynomial);
  if (remainders === undefined) {
    remainders = Uint32Array.from({ length: 256 }, (_, byte) => {
      let value = byte;
      for (let bit = 0; bit < 8; bit++)
        value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
      return value >>> 0;
    });
    TABLES.set(polynomial, remainders);
  }
  return remainders;
}

function checksum(bytes: Uint8Array, polynomial: number, before = 0): number {
  const remainders = table(polynomial);
  let value = ~before;
  for (let i = 0; i < bytes.length; i++) {
    value = (value >>> 8) ^ (remainders[(value ^ (bytes[i] as number)) & 0xff] as number);
  }
  return ~value >>> 0;
}

/**
 * CRC-32 as ZIP, PNG and gzip use it.
 * @param before that of the bytes before these, to go on with
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  return checksum(bytes, 0xedb88320, before);
}

/** CRC-32C (Castagnoli), RFC 3720 appendix B.4. */
export function crc32c(bytes: Uint8Array): number {
  return checksum(bytes, 0x82f63b78);
}
