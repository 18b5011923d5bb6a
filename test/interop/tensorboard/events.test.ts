import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32, crc32c } from '../../../src/formats/checksum.ts';
import { eventRecord, versionRecord } from '../../../src/interop/tensorboard/events.ts';
import { makeHistogram } from '../../../src/interop/tensorboard/histogram.ts';
import { openTensorBoardWriter } from '../../../src/interop/tensorboard/writer.node.ts';
import { UserError } from '../../../src/util/errors.ts';
import { type ParsedEvent, readEventFile } from './event-reader.ts';

it('checksums have their published check values', () => {
  const digits = new TextEncoder().encode('123456789');
  expect(crc32(digits)).toBe(0xcbf43926);
  expect(crc32c(digits)).toBe(0xe3069283);
});

describe('an event file, read by an independent reader', () => {
  const parse = (...records: Uint8Array[]): ParsedEvent[] => readEventFile(Buffer.concat(records));

  it('begins with its version', () => {
    expect(parse(versionRecord(1.5))).toEqual([
      { wallTime: 1.5, step: 0, fileVersion: 'brain.Event:2', scalars: {}, histograms: {} },
    ]);
  });

  it('keeps step, time and scalars', () => {
    const scalars = { 'loss/train': 2.25, 'error/test': 8.358, learning_rate: 0.1, ünïcode: -1 };
    const [event] = parse(eventRecord({ wallTime: 1_700_000_000.25, step: 2 ** 33, scalars }));
    expect(event?.wallTime).toBe(1_700_000_000.25);
    expect(event?.step).toBe(2 ** 33);
    const rounded = Object.entries(scalars).map(([tag, value]) => [tag, Math.fround(value)]);
    expect(event?.scalars).toEqual(Object.fromEntries(rounded));
  });

  it('writes diverged numbers as they are', () => {
    const scalars = { nan: Number.NaN, infinite: Infinity, huge: 1e300 };
    const [event] = parse(eventRecord({ wallTime: 0, step: 1, scalars }));
    expect(event?.scalars).toEqual({ nan: Number.NaN, infinite: Infinity, huge: Infinity });
  });

  it('keeps histograms', () => {
    const weights = makeHistogram([-1, 0, 0.5, 0.5, 3]);
    const [event] = parse(eventRecord({ wallTime: 0, step: 1, histograms: { weights } }));
    expect(event?.histograms).toEqual({ weights });
  });

  it('is refused by the reader if a bit is wrong, so the checksums are real', () => {
    const record = eventRecord({ wallTime: 0, step: 1, scalars: { a: 1 } });
    for (let at = 0; at < record.length; at++) {
      const damaged = record.slice();
      damaged[at] = damaged[at]! ^ 1;
      expect(() => parse(damaged), `byte ${at}`).toThrow();
    }
  });
});

describe('histograms', () => {
  it('count every finite value between rising limits that enclose it', () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) ** 5 * 10 ** (i % 7));
    const { limits, counts, count, min, max, sum } = makeHistogram(values);
    expect(count).toBe(1000);
    expect(counts.reduce((a, b) => a + b, 0)).toBe(1000);
    expect(limits.every((limit, i) => i === 0 || limit > limits[i - 1]!)).toBe(true);
    expect([min, max]).toEqual([Math.min(...values), Math.max(...values)]);
    expect(sum).toBeCloseTo(
      values.reduce((a, b) => a + b, 0),
      0,
    );
    counts.forEach((inBucket, i) => {
      const lower = limits[i - 1] ?? -Infinity;
      const inside = values.filter((value) => value >= lower && value < limits[i]!).length;
      expect(inBucket).toBe(inside);
    });
  });

  it('leave out what TensorBoard cannot show', () => {
    expect(makeHistogram([Number.NaN, Infinity, 1]).count).toBe(1);
    expect(makeHistogram([])).toMatchObject({ count: 0, limits: [], counts: [] });
  });

  it('part negative values from the others at zero', () => {
    const { limits, counts } = makeHistogram([-1e-13, 0, 0, 1e-13]);
    const filled = limits.filter((_, i) => counts[i]! > 0);
    expect(filled[0]).toBe(0);
    expect(filled).toHaveLength(2);
  });
});

describe('the writer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'table6-tensorboard-'));

  it('appends events in order, in a new file each time it is opened', async () => {
    for (let run = 0; run < 2; run++) {
      const writer = await openTensorBoardWriter(join(folder, 'run'));
      const steps = [1, 2, 3].map((step) =>
        writer.write({ wallTime: step, step, scalars: { loss: 1 / step } }),
      );
      await Promise.all(steps);
      await writer.close();
      const events = readEventFile(readFileSync(writer.path));
      expect(events.map(({ step }) => step)).toEqual([0, 1, 2, 3]);
    }
    const files = readdirSync(join(folder, 'run'));
    expect(files).toHaveLength(2);
    expect(files.every((name) => name.startsWith('events.out.tfevents.'))).toBe(true);
  });

  it('marks where a resumed run goes on', async () => {
    const writer = await openTensorBoardWriter(join(folder, 'resumed'), { resumeStep: 40 });
    await writer.close();
    const [, resumed] = readEventFile(readFileSync(writer.path));
    expect(resumed).toMatchObject({ step: 40, resumed: true });
  });

  it('says in one sentence that a folder cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    const opening = openTensorBoardWriter(join(folder, 'file', 'run'));
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(
      /run" cannot be made, because a file is where a folder should be/,
    );
  });
});
