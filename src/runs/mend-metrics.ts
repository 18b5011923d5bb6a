// metrics.jsonl when a run goes on: cut to where its state was taken, and looked at before it is written on.
// It is no input of training, so what is wrong with it is told and never in the way.

import { crc32 } from '../formats/checksum.ts';
import type { StateContext } from './checkpoint.ts';
import type { FileSystem } from './file-system.ts';

export interface MendedMetrics {
  /** How much of the file is kept. */
  readonly bytes: number;
  /** CRC-32 of that. */
  readonly crc: number;
  readonly notice?: string;
}

const NEWLINE = 10;

/** @param state what the run goes on from; without one, it begins anew */
export async function mendMetrics(
  files: FileSystem,
  path: string,
  state: StateContext | undefined,
): Promise<MendedMetrics> {
  if (!state) return { bytes: 0, crc: 0 };
  const content = (await files.read(path)) ?? new Uint8Array();
  const { metricsBytes, metricsCrc } = state;
  if (content.length < metricsBytes) {
    // A line that was cut short would swallow the next one.
    const kept = content.subarray(0, content.lastIndexOf(NEWLINE) + 1);
    const notice = `"${path}" is ${metricsBytes - kept.length} bytes shorter than when the checkpoint was saved: its last lines are lost, and curves have a gap there.`;
    return { bytes: kept.length, crc: crc32(kept), notice };
  }
  const kept = content.subarray(0, metricsBytes);
  const crc = crc32(kept);
  if (metricsCrc === undefined || metricsCrc === crc) return { bytes: metricsBytes, crc };
  const notice = `"${path}" is not what it was when the checkpoint was saved: its curves may be wrong in places; the weights are not concerned.`;
  return { bytes: metricsBytes, crc, notice };
}
