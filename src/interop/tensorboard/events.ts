// TensorBoard's event files: records of a length, its checksum, a protobuf message `Event`, its
// checksum. The messages are small enough to be written field by field with the protobuf library's
// writer (tensorflow/core/util/event.proto and framework/summary.proto name the fields).

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { crc32c } from '../../formats/checksum.ts';
import type { Histogram } from './histogram.ts';

/** What happened at a step. */
export interface SummaryEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  /** Training step, the horizontal axis. */
  readonly step: number;
  /** By tag, such as `loss/train`; the part before the slash groups the charts. */
  readonly scalars?: Readonly<Record<string, number>>;
  readonly histograms?: Readonly<Record<string, Histogram>>;
}

/** Field numbers of the messages. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 };
const SESSION_LOG = { status: 1 };
/** SessionLog.SessionStatus.START */
const SESSION_START = 1;
const SUMMARY = { value: 1 };
const VALUE = { tag: 1, simpleValue: 2, histogram: 5 };
const HISTOGRAM = { min: 1, max: 2, count: 3, sum: 4, sumOfSquares: 5, limits: 6, counts: 7 };

/** The first record of every event file. */
export function versionRecord(wallTime: number): Uint8Array<ArrayBuffer> {
  const event = new BinaryWriter();
  event.tag(EVENT.wallTime, WireType.Bit64).double(wallTime);
  event.tag(EVENT.fileVersion, WireType.LengthDelimited).string('brain.Event:2');
  return frame(event.finish());
}

/**
 * Tells TensorBoard that a run goes on from a checkpoint: what earlier files hold from `step` on was
 * lost with the interrupted run, and is not shown.
 */
export function resumeRecord(wallTime: number, step: number): Uint8Array<ArrayBuffer> {
  const event = new BinaryWriter();
  event.tag(EVENT.wallTime, WireType.Bit64).double(wallTime);
  event.tag(EVENT.step, WireType.Varint).int64(step);
  event.tag(EVENT.sessionLog, WireType.LengthDelimited).fork();
  event.tag(SESSION_LOG.status, WireType.Varint).int32(SESSION_START).join();
  return frame(event.finish());
}

/** One event as a record to append to an event file. */
export function eventRecord(summary: SummaryEvent): Uint8Array<ArrayBuffer> {
  const event = new BinaryWriter();
  event.tag(EVENT.wallTime, WireType.Bit64).double(summary.wallTime);
  event.tag(EVENT.step, WireType.Varint).int64(summary.step);
  event.tag(EVENT.summary, WireType.LengthDelimited).fork();
  for (const [tag, value] of Object.entries(summary.scalars ?? {})) {
    event.tag(SUMMARY.value, WireType.LengthDelimited).fork();
    event.tag(VALUE.tag, WireType.LengthDelimited).string(tag);
    // Above float32's range the library would refuse; an infinity is what TensorBoard can show.
    event.tag(VALUE.simpleValue, WireType.Bit32).float(Math.fround(value));
    event.join();
  }
  for (const [tag, histogram] of Object.entries(summary.histograms ?? {})) {
    event.tag(SUMMARY.value, WireType.LengthDelimited).fork();
    event.tag(VALUE.tag, WireType.LengthDelimited).string(tag);
    event.tag(VALUE.histogram, WireType.LengthDelimited).fork();
    for (const field of ['min', 'max', 'count', 'sum', 'sumOfSquares'] as const) {
      event.tag(HISTOGRAM[field], WireType.Bit64).double(histogram[field]);
    }
    for (const field of ['limits', 'counts'] as const) {
      event.tag(HISTOGRAM[field], WireType.LengthDelimited).fork();
      for (const value of histogram[field]) event.double(value);
      event.join();
    }
    event.join().join();
  }
  event.join();
  return frame(event.finish());
}

/** Wraps a message as a TFRecord: length, masked CRC-32C of the length, message, its masked CRC-32C. */
function frame(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(8 + 4 + message.length + 4);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(message.length), true);
  view.setUint32(8, masked(crc32c(record.subarray(0, 8))), true);
  record.set(message, 12);
  view.setUint32(12 + message.length, masked(crc32c(message)), true);
  return record;
}

/** TFRecord's mask, so that a checksum of data that holds checksums stays meaningful. */
function masked(checksum: number): number {
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}
