// The fuzzing loop: damaged files go to a reader, which may answer in two ways only, a result no
// larger than four times the file or a UserError with one sentence, and in under two seconds of
// processor time (how busy the machine is does not matter). Every file is a pure function of (seed,
// reader, number), so a failure is named by those three.

import { UserError } from '../../src/util/errors.ts';
import { randomStream } from '../../src/util/random.ts';
import { mutate } from './mutate.ts';
import type { FuzzedReader } from './readers.ts';

export const MAX_MILLISECONDS = 2000;
const MAX_GROWTH = 4;
/** A sentence for a terminal, not a dump of the file. */
const MAX_MESSAGE = 600;

export interface FuzzFailure {
  readonly number: number;
  readonly reason: string;
  readonly file: Uint8Array;
}

export interface FuzzResult {
  readonly files: number;
  readonly accepted: number;
  readonly refused: number;
  /** Different messages, digits aside: how far into the reader the damage reached. */
  readonly messages: number;
  /** Milliseconds of processor time. */
  readonly slowest: number;
  readonly failures: readonly FuzzFailure[];
}

/** The file that (seed, reader, number) names. */
export function fuzzedFile(reader: FuzzedReader, seed: number, number: number): Uint8Array {
  return mutate(reader.corpus(), randomStream(seed, `fuzz/${reader.name}`, 0, number));
}

/**
 * Reads `count` damaged files.
 * @param onFile is told each file's number before it is read, so that a hang can be named
 */
export async function fuzz(
  reader: FuzzedReader,
  options: { seed: number; count: number; first?: number; onFile?: (number: number) => void },
): Promise<FuzzResult> {
  const { seed, count, first = 0, onFile } = options;
  const messages = new Set<string>();
  const failures: FuzzFailure[] = [];
  let accepted = 0;
  let refused = 0;
  let slowest = 0;
  const corpus = reader.corpus();
  for (const valid of corpus) await reader.read(valid);
  for (let number = first; number < first + count && failures.length < 10; number++) {
    onFile?.(number);
    const file = mutate(corpus, randomStream(seed, `fuzz/${reader.name}`, 0, number));
    const fail = (reason: string) => failures.push({ number, reason, file });
    const start = process.cpuUsage();
    try {
      const size = await reader.read(file);
      accepted++;
      if (size > MAX_GROWTH * file.length) fail(`${size} bytes from a file of ${file.length}`);
    } catch (error) {
      refused++;
      if (!(error instanceof UserError)) {
        fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
      } else if (error.message.length > MAX_MESSAGE) {
        fail(`a message of ${error.message.length} characters`);
      } else {
        messages.add(error.message.replace(/\d+|'[^']*'|"[^"]*"/g, '#'));
      }
    }
    const { user, system } = process.cpuUsage(start);
    const time = (user + system) / 1000;
    slowest = Math.max(slowest, time);
    if (time > MAX_MILLISECONDS) fail(`took ${Math.round(time)} ms`);
  }
  return {
    files: accepted + refused,
    accepted,
    refused,
    messages: messages.size,
    slowest,
    failures,
  };
}
