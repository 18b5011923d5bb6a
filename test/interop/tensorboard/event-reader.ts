// A reader of TensorBoard's event files that shares nothing with the writer: its checksum goes bit by
// bit, its protobuf decoding byte by byte, from the formats' public descriptions.

export interface ParsedEvent {
  wallTime: number;
  step: number;
  fileVersion?: string;
  /** The run was resumed at this event's step. */
  resumed?: boolean;
  scalars: Record<string, number>;
  histograms: Record<string, ParsedHistogram>;
}

interface ParsedHistogram {
  min: number;
  max: number;
  count: number;
  sum: number;
  sumOfSquares: number;
  limits: number[];
  counts: number[];
}

/** Castagnoli's CRC by polynomial division, masked as TFRecord does. */
function maskedChecksum(bytes: Buffer): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const top = (remainder ^ (byte >> bit)) & 1;
      remainder = (remainder >>> 1) ^ (top ? 0x82f63b78 : 0);
    }
  }
  const crc = BigInt((remainder ^ 0xffffffff) >>> 0);
  const rotated = ((crc >> 15n) | (crc << 17n)) & 0xffffffffn;
  return Number((rotated + 0xa282ead8n) & 0xffffffffn);
}

/** A protobuf message's fields in order: number and content. */
function* fields(bytes: Buffer): Generator<[number: number, value: Buffer | bigint]> {
  let at = 0;
  const varint = () => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => {
    if (at + length > bytes.length) throw new Error('a field goes beyond its message');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const type = key & 7;
    if (type === 0) yield [key >> 3, varint()];
    else if (type === 1) yield [key >> 3, take(8)];
    else if (type === 2) yield [key >> 3, take(Number(varint()))];
    else if (type === 5) yield [key >> 3, take(4)];
    else throw new Error(`wire type ${type}`);
  }
}

const doubles = (bytes: Buffer) =>
  Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i));

function readHistogram(bytes: Buffer): ParsedHistogram {
  const values = new Map([...fields(bytes)].map(([key, value]) => [key, doubles(value as Buffer)]));
  const [min, max, count, sum, sumOfSquares] = [1, 2, 3, 4, 5].map((key) => values.get(key)?.[0]);
  const [limits, counts] = [values.get(6) ?? [], values.get(7) ?? []];
  return { min, max, count, sum, sumOfSquares, limits, counts } as ParsedHistogram;
}

function readEvent(bytes: Buffer): ParsedEvent {
  const event: ParsedEvent = { wallTime: 0, step: 0, scalars: {}, histograms: {} };
  for (const [key, value] of fields(bytes)) {
    if (key === 1) event.wallTime = (value as Buffer).readDoubleLE();
    else if (key === 2) event.step = Number(value);
    else if (key === 3) event.fileVersion = String(value);
    else if (key === 5) {
      for (const [, summary] of fields(value as Buffer)) {
        const parts = new Map(fields(summary as Buffer));
        const tag = String(parts.get(1));
        const [scalar, histogram] = [parts.get(2), parts.get(5)];
        if (scalar !== undefined) event.scalars[tag] = (scalar as Buffer).readFloatLE();
        if (histogram !== undefined) event.histograms[tag] = readHistogram(histogram as Buffer);
      }
    } else if (key === 7) {
      event.resumed = new Map(fields(value as Buffer)).get(1) === 1n;
    } else throw new Error(`field ${key} of an event`);
  }
  return event;
}

/** All events of a file. */
export function readEventFile(file: Buffer): ParsedEvent[] {
  const events: ParsedEvent[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    if (maskedChecksum(file.subarray(at, at + 8)) !== file.readUInt32LE(at + 8)) {
      throw new Error('the checksum of a length is wrong');
    }
    const message = file.subarray(at + 12, at + 12 + length);
    if (maskedChecksum(message) !== file.readUInt32LE(at + 12 + length)) {
      throw new Error('the checksum of a message is wrong');
    }
    events.push(readEvent(message));
    at += 16 + length;
  }
  return events;
}
