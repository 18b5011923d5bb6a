// Reading metrics.jsonl while it is being written: whole lines from a position on. A position carries a
// checksum of the bytes before it, because a resumed run cuts the file and writes on from there: the
// same offset may then lie in other lines.

import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { MetricsRecord } from '../runs/metrics.ts';
import type { MetricsPart, Position } from './protocol.ts';

const LINE_FEED = 10;
/** A line has the time in milliseconds in it, so two of them differ. */
const CHECKED_BYTES = 256;
const BLOCK = 64 * 1024;
/** Of one answer; a reader asks again. */
const LARGEST_PART = 2 * 2 ** 20;

export const START: Position = '0';

interface Range {
  readonly from: Position;
  /** Not beyond this offset. */
  readonly end: number;
  /** Leave out the lines of single steps. */
  readonly epochs?: boolean;
}

/** The byte offset of a position; undefined where it is none. */
export function offsetOf(position: Position): number | undefined {
  const match = /^(\d{1,15})(?:-[0-9a-z]{1,7})?$/.exec(position);
  return match === null ? undefined : Number(match[1]);
}

/** The position behind the last whole line before `end`; a line that is being written is left out. */
export async function lastLineEnd(file: FileHandle, end: number): Promise<Position> {
  for (let at = end; at > 0; ) {
    const start = Math.max(0, at - BLOCK);
    const found = (await readBytes(file, start, at)).lastIndexOf(LINE_FEED);
    if (found >= 0) return positionAt(file, start + found + 1);
    at = start;
  }
  return START;
}

/** Whether what was before a position is still there. A bare offset is believed. */
export async function isStillThere(file: FileHandle, position: Position): Promise<boolean> {
  const offset = offsetOf(position)!;
  if (position === String(offset)) return true;
  return (await positionAt(file, offset)) === position;
}

/** The records from a position on, or from the beginning where that is no longer in the file. */
export async function readPart(file: FileHandle, range: Range): Promise<MetricsPart> {
  const asked = offsetOf(range.from)!;
  const isThere = asked <= range.end && (await isStillThere(file, range.from));
  const from = isThere ? range.from : START;
  const start = isThere ? asked : 0;
  let bytes = Buffer.alloc(0);
  let length = 0;
  // One line alone may be longer than a part: then the part grows.
  for (let limit = LARGEST_PART; length === 0; limit *= 2) {
    const end = Math.min(range.end, start + limit);
    bytes = await readBytes(file, start, end);
    length = bytes.lastIndexOf(LINE_FEED) + 1;
    if (end === range.end) break;
  }
  const text = bytes.toString('utf8', 0, length);
  return {
    from,
    next: length === 0 ? from : await positionAt(file, start + length),
    more: length > 0 && start + length < range.end && bytes.length >= LARGEST_PART,
    records: recordsOf(text, range.epochs ?? false),
  };
}

function recordsOf(text: string, epochs: boolean): MetricsRecord[] {
  const records: MetricsRecord[] = [];
  for (const line of text.split('\n')) {
    // Nine lines of ten are of steps; telling them without parsing is what makes `epochs` cheap.
    if (line === '' || (epochs && line.startsWith('{"kind":"step"'))) continue;
    const record = parseLine(line);
    if (record && !(epochs && record.kind === 'step')) records.push(record);
  }
  return records;
}

/** A line that is no record, as a crash may leave one, is left out. */
function parseLine(line: string): MetricsRecord | undefined {
  try {
    const record: unknown = JSON.parse(line);
    const hasKind = typeof record === 'object' && record !== null && 'kind' in record;
    return hasKind ? (record as MetricsRecord) : undefined;
  } catch {
    return undefined;
  }
}

async function positionAt(file: FileHandle, offset: number): Promise<Position> {
  if (offset === 0) return START;
  const before = await readBytes(file, Math.max(0, offset - CHECKED_BYTES), offset);
  return `${offset}-${crc32(before).toString(36)}`;
}

/** Fewer where the file has been cut meanwhile. */
async function readBytes(
  file: FileHandle,
  start: number,
  end: number,
): Promise<Buffer<ArrayBuffer>> {
  const bytes = Buffer.alloc(end - start);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, start + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}
