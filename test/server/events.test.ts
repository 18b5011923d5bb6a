// The stream of events: what is new travels, and nothing else; a slow reader costs nothing; fifty runs
// of two hundred epochs stay smooth.

import { appendFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { RunList } from '../../src/server/protocol.ts';
import { type EventReader, readEvents } from './support/events.ts';
import { send, serve } from './support/harness.ts';
import {
  epochRecords,
  lines,
  type MadeRun,
  makeRun,
  stepRecord,
  wholeEpoch,
} from './support/runs.ts';

const isReady = ({ name }: { name: string }) => name === 'ready';

function names(reader: EventReader): string[] {
  return reader.events.map(({ name }) => name);
}

/** The records that came for a run, in order. */
function recordsOf(reader: EventReader, id: string): unknown[] {
  const parts = reader.events.filter(({ name, data }) => name === 'metrics' && data.id === id);
  return parts.flatMap(({ data }) => data.records as unknown[]);
}

describe('what is told', () => {
  test('first the runs that there are, without their metrics', async () => {
    const { server, runs } = await serve();
    await makeRun(runs, 'a-seed1', lines(wholeEpoch(0)));
    await makeRun(runs, 'b-seed2', lines(wholeEpoch(0)));
    const reader = await readEvents(server.url);
    await reader.until(isReady);
    expect(names(reader)).toEqual(['hello', 'run', 'run', 'ready']);
    expect(reader.events[0]!.data).toEqual({ complete: true });
    const list = JSON.parse((await send(server.url, '/api/runs')).body) as RunList;
    expect(reader.events.slice(1, 3).map(({ data }) => data)).toEqual(list.runs);
  });

  test('then only lines that were added, each once, with where they stand', async () => {
    const { server, runs } = await serve();
    const run = await makeRun(runs, 'run', lines(wholeEpoch(0)));
    await makeRun(runs, 'quiet', lines(wholeEpoch(0)));
    const reader = await readEvents(server.url);
    await reader.until(isReady);
    const told = reader.events.find(({ data }) => data.id === 'run')!.data.metrics;
    const before = reader.bytes();
    const added = [stepRecord(391), stepRecord(401), stepRecord(411)];
    const cut = lines(added).length - 20;
    await run.append(lines(added).slice(0, cut));
    await reader.until(({ data }) => data.records?.length > 0);
    await run.append(lines(added).slice(cut));
    await reader.until(({ data }) => data.records?.at(-1)?.iteration === 411);
    expect(recordsOf(reader, 'run')).toEqual(added);
    expect(recordsOf(reader, 'quiet')).toEqual([]);
    const parts = reader.events.filter(({ name }) => name === 'metrics').map(({ data }) => data);
    expect(parts[0].from).toBe(told);
    for (const [i, { from }] of parts.slice(1).entries()) expect(from).toBe(parts[i].next);
    expect(reader.bytes() - before).toBeLessThan(lines(added).length + 200 * parts.length);
    await sleep(1_200);
    expect(names(reader).filter((name) => name !== 'metrics')).toEqual([
      'hello',
      'run',
      'run',
      'ready',
    ]);
  });

  test('a run that appears later, changes and goes', async () => {
    const { server, runs } = await serve();
    const reader = await readEvents(server.url);
    await reader.until(isReady);
    expect(names(reader)).toEqual(['hello', 'ready']);
    const run = await makeRun(runs, 'table/late-seed3');
    await reader.until(({ name, data }) => name === 'run' && data.id === 'table/late-seed3');
    await run.append(lines(epochRecords(0)));
    await run.summarize(1, 'running');
    await reader.until(({ data }) => data.summary?.epochsDone === 1);
    expect(recordsOf(reader, 'table/late-seed3')).toEqual(epochRecords(0));
    await run.summarize(200, 'complete');
    await reader.until(({ data }) => data.state === 'finished');
    await rm(run.dir, { recursive: true });
    await reader.until(({ name, data }) => name === 'gone' && data.id === 'table/late-seed3');
  });

  test('an epoch’s numbers come before the summary that counts it', async () => {
    const { server, runs } = await serve();
    const run = await makeRun(runs, 'run');
    const reader = await readEvents(server.url);
    await reader.until(isReady);
    for (let epoch = 0; epoch < 5; epoch++) {
      await run.append(lines(epochRecords(epoch)));
      await run.summarize(epoch + 1);
      await reader.until(({ data }) => data.summary?.epochsDone === epoch + 1);
      expect(recordsOf(reader, 'run')).toHaveLength(2 * (epoch + 1));
    }
  });

  test('with ?epochs no single steps, and nothing at all while there are only those', async () => {
    const { server, runs } = await serve();
    const run = await makeRun(runs, 'run');
    const reader = await readEvents(server.url, { query: '?epochs' });
    await reader.until(isReady);
    const steps = wholeEpoch(0).slice(0, -2);
    await run.append(lines(steps));
    await sleep(1_500);
    expect(names(reader)).toEqual(['hello', 'run', 'ready']);
    await run.append(lines(epochRecords(0)));
    await reader.until(({ name }) => name === 'metrics');
    expect(recordsOf(reader, 'run')).toEqual(epochRecords(0));
  });

  test('a resume that has cut the file shows in positions: the reader asks, nothing is sent again', async () => {
    const { server, runs } = await serve();
    const run = await makeRun(runs, 'run', lines(wholeEpoch(0)));
    const reader = await readEvents(server.url);
    await reader.until(isReady);
    const known = reader.events.find(({ name }) => name === 'run')!.data.metrics;
    const file = path.join(run.dir, 'metrics.jsonl');
    await truncate(file, lines(wholeEpoch(0).slice(0, 20)).length);
    await appendFile(
      file,
      lines(
        wholeEpoch(0)
          .slice(20)
          .map((r) => ({ ...r, time: r.time + 7 })),
      ),
    );
    const { data } = await reader.until(({ name }) => name === 'metrics');
    expect(data.from).not.toBe(known);
    expect(data).toMatchObject({ from: data.next, records: [] });
    await run.append(lines([stepRecord(400)]));
    const next = await reader.until(({ data }) => data.records?.length === 1);
    expect(next.data.from).toBe(data.next);
  });
});

describe('a reader that comes back', () => {
  test('is told what changed meanwhile and nothing else', async () => {
    const { server, runs } = await serve();
    const [a, , c] = [
      await makeRun(runs, 'a', lines(wholeEpoch(0))),
      await makeRun(runs, 'b', lines(wholeEpoch(0))),
      await makeRun(runs, 'c', lines(wholeEpoch(0))),
    ];
    const first = await readEvents(server.url);
    await first.until(isReady);
    const lastEventId = first.events.findLast(({ id }) => id !== undefined)!.id!;
    first.close();
    await a.append(lines(epochRecords(1)));
    await rm(c.dir, { recursive: true });
    for (const how of [{ lastEventId }, { query: `?after=${lastEventId}` }]) {
      const again = await readEvents(server.url, how);
      await again.until(isReady);
      expect(again.events.map(({ name, data }) => [name, data.id])).toEqual([
        ['hello', undefined],
        ['run', 'a'],
        ['gone', 'c'],
        ['ready', undefined],
      ]);
      expect(again.events[0]!.data).toEqual({ complete: false });
      again.close();
    }
  });

  test.each(['', 'nonsense', '../..', '99', 'otherserver.1', 'x'.repeat(500)])(
    'with the id "%s" of another server is told everything anew',
    async (lastEventId) => {
      const { server, runs } = await serve();
      await makeRun(runs, 'a');
      const reader = await readEvents(server.url, { lastEventId });
      await reader.until(isReady);
      expect(reader.events[0]!.data).toEqual({ complete: true });
      expect(names(reader)).toEqual(['hello', 'run', 'ready']);
    },
  );
});

describe('load', () => {
  test('fifty runs of two hundred epochs: sizes and times', { timeout: 120_000 }, async () => {
    const { server, runs } = await serve();
    const history = lines(Array.from({ length: 200 }, (_, epoch) => wholeEpoch(epoch)).flat());
    const made: MadeRun[] = [];
    for (let seed = 1; seed <= 50; seed++) {
      const run = await makeRun(runs, `table6/resnet20-notebook-seed${seed}`, history);
      await run.summarize(199, 'running');
      made.push(run);
    }
    const timed = async <T>(work: () => Promise<T>) => {
      const start = performance.now();
      const value = await work();
      return { value, milliseconds: performance.now() - start };
    };
    const list = await timed(() => send(server.url, '/api/runs'));
    const again = await timed(() => send(server.url, '/api/runs'));
    const id = encodeURIComponent('table6/resnet20-notebook-seed7');
    const epochs = await timed(() => send(server.url, `/api/runs/${id}/metrics?epochs`));
    const reader = await readEvents(server.url, { query: '?epochs' });
    await reader.until(isReady);
    const before = reader.bytes();
    const news = await timed(async () => {
      for (const run of made) {
        await run.append(lines(epochRecords(200)));
        await run.summarize(200, 'complete');
      }
      const isLast = (finished: Set<string>) => finished.size === 50;
      const finished = new Set<string>();
      await reader.until(() => {
        for (const { data } of reader.events) if (data.state === 'finished') finished.add(data.id);
        return isLast(finished);
      });
    });
    const bytes = {
      history: 50 * history.length,
      list: list.value.body.length,
      epochs: epochs.value.body.length,
      beginning: before,
      news: reader.bytes() - before,
    };
    const times = {
      list: list.milliseconds,
      again: again.milliseconds,
      epochs: epochs.milliseconds,
      news: news.milliseconds,
    };
    console.log('bytes', bytes, 'milliseconds', times);
    for (const run of made) {
      const seed = /seed\d+$/.exec(run.dir)![0];
      expect(recordsOf(reader, `table6/resnet20-notebook-${seed}`)).toEqual(epochRecords(200));
    }
    // 100 MB of lines lie there; what travels is the list once, then two lines and a summary a run.
    expect(bytes.history).toBeGreaterThan(100e6);
    expect(bytes.list).toBeLessThan(150_000);
    expect(bytes.beginning).toBeLessThan(150_000);
    expect(bytes.epochs).toBeLessThan(150_000);
    expect(bytes.news).toBeLessThan(250_000);
    // Several times what a quiet machine takes.
    expect(times.list).toBeLessThan(5_000);
    expect(times.again).toBeLessThan(2_000);
    expect(times.epochs).toBeLessThan(1_000);
    expect(times.news).toBeLessThan(10_000);
  });

  test('a reader that does not read holds nobody up, and gets the rest when it reads', async () => {
    const { server, runs } = await serve();
    const run = await makeRun(runs, 'run');
    const slow = await readEvents(server.url);
    await slow.until(isReady);
    slow.pause();
    const quick = await readEvents(server.url);
    await quick.until(isReady);
    const all = Array.from({ length: 400 }, (_, epoch) => wholeEpoch(epoch));
    for (let i = 0; i < all.length; i += 100) {
      const part = all.slice(i, i + 100).flat();
      await run.append(lines(part));
      await quick.until(({ data }) => data.records?.at(-1)?.epoch === i + 99);
    }
    expect(recordsOf(quick, 'run')).toEqual(all.flat());
    expect(recordsOf(slow, 'run').length).toBeLessThan(all.flat().length);
    slow.resume();
    await slow.until(({ data }) => data.records?.at(-1)?.epoch === 399);
    expect(recordsOf(slow, 'run')).toEqual(all.flat());
  });

  test('readers have a largest number, and those that leave make room', async () => {
    const { server } = await serve();
    const readers = await Promise.all(Array.from({ length: 32 }, () => readEvents(server.url)));
    expect(readers.map(({ status }) => status)).toEqual(Array(32).fill(200));
    expect((await readEvents(server.url)).status).toBe(503);
    readers[0]!.close();
    await expect.poll(async () => (await readEvents(server.url)).status).toBe(200);
  });

  test('closing the server sends its readers away at once', async () => {
    const { server, runs } = await serve();
    await makeRun(runs, 'run');
    const reader = await readEvents(server.url);
    await reader.until(isReady);
    const start = performance.now();
    await server.close();
    expect(performance.now() - start).toBeLessThan(1_000);
    await writeFile(path.join(runs, 'run', 'summary.json'), '{}');
  });
});
