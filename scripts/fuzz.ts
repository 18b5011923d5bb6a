// Feeds damaged files to every reader of foreign bytes and prints a table:
//
//   npm run fuzz                              20,000 files a reader
//   npm run fuzz -- --count 1000000 --seed 7 --reader safetensors
//
// The readers run in a worker thread, so that one that never comes back is noticed and named. Exit
// code 1, with the damaged file saved, if any reader crashes, hangs, allocates too much or rambles.

import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type FuzzResult, fuzz, fuzzedFile, MAX_MILLISECONDS } from '../test/fuzz/loop.ts';
import { FUZZED_READERS, type FuzzedReader } from '../test/fuzz/readers.ts';

interface Job {
  readonly reader: string;
  readonly seed: number;
  readonly count: number;
  /** The number of the file being read, for the watching thread. */
  readonly current: Int32Array;
}

function readerCalled(name: string): FuzzedReader {
  const reader = FUZZED_READERS.find((candidate) => candidate.name === name);
  if (reader === undefined) throw new Error(`no reader is called ${name}`);
  return reader;
}

/** Runs one reader in a worker; a file that is still being read after two looks is a hang. */
function runInWorker(reader: FuzzedReader, seed: number, count: number): Promise<FuzzResult> {
  const current = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  const job: Job = { reader: reader.name, seed, count, current };
  const worker = new Worker(new URL(import.meta.url), { workerData: job });
  return new Promise((resolve, reject) => {
    let last = -2;
    const watch = setInterval(() => {
      const number = Atomics.load(current, 0);
      if (number === last && number >= 0) {
        clearInterval(watch);
        void worker.terminate();
        const failure = { number, reason: 'hangs', file: fuzzedFile(reader, seed, number) };
        const slowest = MAX_MILLISECONDS;
        resolve({
          files: number,
          accepted: 0,
          refused: 0,
          messages: 0,
          slowest,
          failures: [failure],
        });
      }
      last = number;
    }, MAX_MILLISECONDS);
    worker.once('message', (result: FuzzResult) => {
      clearInterval(watch);
      resolve(result);
    });
    worker.once('error', (error) => {
      clearInterval(watch);
      reject(error);
    });
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      reader: { type: 'string', default: '' },
    },
  });
  const [count, seed] = [Number(values.count), Number(values.seed)];
  const wanted = FUZZED_READERS.filter(({ name }) => name.includes(values.reader));
  if (wanted.length === 0 || !(count > 0) || !(seed >= 0)) {
    const names = FUZZED_READERS.map(({ name }) => name).join(', ');
    console.error(`--count and --seed are numbers, --reader part of one of: ${names}`);
    process.exitCode = 2;
    return;
  }
  const row = (cells: readonly (string | number)[]) =>
    console.log(
      `| ${cells.map((cell, i) => (i === 0 ? String(cell).padEnd(22) : String(cell).padStart(9))).join(' | ')} |`,
    );
  row(['reader', 'files', 'accepted', 'refused', 'messages', 'max ms', 'seconds', 'failures']);
  row(['---', ...new Array<string>(7).fill('---:')]);
  for (const reader of wanted) {
    const start = performance.now();
    const result = await runInWorker(reader, seed, count);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const { files, accepted, refused, messages, slowest, failures } = result;
    row([
      reader.name,
      files,
      accepted,
      refused,
      messages,
      slowest.toFixed(1),
      seconds,
      failures.length,
    ]);
    for (const { number, reason, file } of failures) {
      const path = join(tmpdir(), `fuzz-${reader.name.replace(/\W+/g, '-')}-${seed}-${number}.bin`);
      writeFileSync(path, file);
      console.log(`  file ${number} (saved as ${path}): ${reason}`);
      process.exitCode = 1;
    }
  }
}

if (isMainThread) {
  await main();
} else {
  const { reader, seed, count, current } = workerData as Job;
  const onFile = (number: number) => Atomics.store(current, 0, number);
  parentPort?.postMessage(await fuzz(readerCalled(reader), { seed, count, onFile }));
}
