// A sample of what `npm run fuzz` does at length, so that a reader which stops being careful fails
// the ordinary tests too.

import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/util/errors.ts';
import { fuzz, fuzzedFile } from './loop.ts';
import { FUZZED_READERS, type FuzzedReader } from './readers.ts';

describe.each(FUZZED_READERS)('$name', (reader) => {
  it('answers 1,000 damaged files with a result of bounded size or one sentence', async () => {
    const { failures, refused, files } = await fuzz(reader, { seed: 1, count: 1000 });
    expect(failures).toEqual([]);
    expect(files).toBe(1000);
    expect(refused).toBeGreaterThan(100);
  });
});

describe('the loop notices', () => {
  const corpus = () => [new Uint8Array(100)];
  const problems: [string, FuzzedReader['read'], RegExp][] = [
    ['a crash', () => (null as unknown as number[]).length, /Cannot read properties of null/],
    ['a result larger than four files', () => 10_000, /10000 bytes from a file of/],
    ['a message that quotes the file', () => bad('x'.repeat(601)), /a message of 601 characters/],
  ];
  it.each(problems)('%s', async (_name, read, reason) => {
    let valid = true;
    const reader: FuzzedReader = {
      name: 'broken',
      corpus,
      read: (bytes) => {
        if (!valid) return read(bytes);
        valid = false; // the loop reads the corpus itself first
        return 0;
      },
    };
    const { failures } = await fuzz(reader, { seed: 1, count: 5 });
    expect(failures).toHaveLength(5);
    expect(failures[0]?.reason).toMatch(reason);
    expect(fuzzedFile(reader, 1, 0)).toEqual(failures[0]?.file);
  });
});

function bad(message: string): never {
  throw new UserError(message);
}
