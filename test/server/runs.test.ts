// The runs, as the page asks for them: the list, metrics from a position on, and files; also while a run
// is written, after a resume has cut it, and where folders are damaged.

import { appendFile, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { MetricsPart, RunList } from '../../src/server/protocol.ts';
import { errorOf, serve } from './support/harness.ts';
import { epochRecords, lines, makeRun, stepRecord, wholeEpoch } from './support/runs.ts';

describe('the list of runs', () => {
  test('is empty where there is no folder, and has what comes later', async () => {
    const { json, runs } = await serve();
    expect(await json<RunList>('/api/runs')).toEqual({ folder: runs, runs: [] });
    const run = await makeRun(runs, 'resnet20-seed1', lines(epochRecords(0)));
    await run.summarize(1);
    const { runs: found } = await json<RunList>('/api/runs');
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      id: 'resnet20-seed1',
      state: 'interrupted',
      config: { arch: 'resnet20', seed: 1, recipe: 'notebook' },
      summary: { epochsDone: 1, dataTitle: 'CIFAR-10' },
      checkpoints: [],
    });
    await rm(run.dir, { recursive: true });
    expect((await json<RunList>('/api/runs')).runs).toEqual([]);
  });

  test('finds runs below folders, not in hidden ones, not inside runs, not endlessly deep', async () => {
    const { json, runs } = await serve();
    await makeRun(runs, 'table6/resnet20-seed2');
    await makeRun(runs, 'table6/resnet20-seed10');
    await makeRun(runs, 'table6/resnet20-seed2/inner');
    await makeRun(runs, '.hidden/resnet20-seed3');
    await makeRun(runs, '1/2/3/deep');
    await makeRun(runs, '1/2/3/4/deeper');
    const { runs: found } = await json<RunList>('/api/runs');
    expect(found.map(({ id }) => id)).toEqual([
      '1/2/3/deep',
      'table6/resnet20-seed2',
      'table6/resnet20-seed10',
    ]);
  });

  test('a run folder itself may be given', async () => {
    const { json, runs } = await serve();
    await makeRun(path.dirname(runs), 'runs', lines(epochRecords(0)));
    const { runs: found } = await json<RunList>('/api/runs');
    expect(found.map(({ id }) => id)).toEqual(['runs']);
    expect((await json<MetricsPart>('/api/runs/runs/metrics')).records).toHaveLength(2);
  });

  test('names what is damaged, and lists the others', async () => {
    const { json, runs } = await serve();
    const broken = async (name: string, file: string, content: string) => {
      const { dir } = await makeRun(runs, name);
      await writeFile(path.join(dir, file), content);
    };
    await makeRun(runs, 'good');
    await broken('json', 'config.json', '{"arch":');
    await broken('settings', 'config.json', '{"arch":"resnet20","epochs":-1}');
    await broken('summary', 'summary.json', '{}');
    await broken('environment', 'environment.json', '[]');
    await mkdir(path.join(runs, 'metrics'));
    await writeFile(path.join(runs, 'metrics', 'metrics.jsonl'), 'half a li');
    const found = new Map((await json<RunList>('/api/runs')).runs.map((run) => [run.id, run]));
    expect(found.get('good')).toMatchObject({ state: 'interrupted' });
    const messages = {
      json: /config\.json" is damaged: it is not JSON/,
      settings: /config\.json/,
      summary: /summary\.json" is damaged/,
      environment: /environment\.json" is damaged/,
      metrics: /has no config\.json/,
    };
    for (const [id, message] of Object.entries(messages)) {
      expect(found.get(id)).toMatchObject({ state: 'failed' });
      expect(found.get(id)!.message).toMatch(message);
    }
    expect(found.get('summary')!.config).toMatchObject({ arch: 'resnet20' });
  });

  test('tells a run that trains from one whose process was killed', async () => {
    const { json, runs } = await serve();
    const { dir } = await makeRun(runs, 'run');
    const lock = (pid: number) =>
      writeFile(
        path.join(dir, 'lock.json'),
        JSON.stringify({ pid, host: hostname(), renewed: Date.now(), id: 'x' }),
      );
    const state = async () => (await json<RunList>('/api/runs')).runs[0]!.state;
    expect(await state()).toBe('interrupted');
    await lock(1);
    expect(await state()).toBe('running');
    await lock(2 ** 22 + 1);
    expect(await state()).toBe('interrupted');
  });
});

describe('metrics', () => {
  const METRICS = '/api/runs/run/metrics';

  test('come as records, and from a position on only what is new', async () => {
    const { json, runs } = await serve();
    const run = await makeRun(runs, 'run', lines(wholeEpoch(0)));
    const first = await json<MetricsPart>(METRICS);
    expect(first).toMatchObject({ from: '0', more: false, records: wholeEpoch(0) });
    expect(await json<MetricsPart>(`${METRICS}?from=${first.next}`)).toEqual({
      from: first.next,
      next: first.next,
      more: false,
      records: [],
    });
    await run.append(lines(epochRecords(1)));
    const news = await json<MetricsPart>(`${METRICS}?from=${first.next}`);
    expect(news.from).toBe(first.next);
    expect(news.records).toEqual(epochRecords(1));
    const bytes = Buffer.byteLength(lines(wholeEpoch(0)));
    expect((await json<MetricsPart>(`${METRICS}?from=${bytes}`)).records).toEqual(epochRecords(1));
    const between = `${METRICS}?from=0&to=${first.next}`;
    expect((await json<MetricsPart>(between)).records).toEqual(wholeEpoch(0));
  });

  test('can leave out single steps', async () => {
    const { json, runs } = await serve();
    await makeRun(runs, 'run', lines([...wholeEpoch(0), ...wholeEpoch(1)]));
    const part = await json<MetricsPart>(`${METRICS}?epochs`);
    expect(part.records).toEqual([...epochRecords(0), ...epochRecords(1)]);
    expect(part.next).toBe((await json<MetricsPart>(METRICS)).next);
  });

  test('a line that is being written waits until it is whole', async () => {
    const { json, runs } = await serve();
    const line = lines([stepRecord(1)]);
    const run = await makeRun(runs, 'run', lines([stepRecord(0)]) + line.slice(0, 30));
    const first = await json<MetricsPart>(METRICS);
    expect(first.records).toEqual([stepRecord(0)]);
    await run.append(line.slice(30));
    const second = await json<MetricsPart>(`${METRICS}?from=${first.next}`);
    expect(second.records).toEqual([stepRecord(1)]);
  });

  test('lines that a crash has spoilt are left out', async () => {
    const { json, runs } = await serve();
    await makeRun(
      runs,
      'run',
      `{"kind":"st${lines([stepRecord(1)])}\n\0\0\n5\n${lines([stepRecord(2)])}`,
    );
    expect((await json<MetricsPart>(METRICS)).records).toEqual([stepRecord(2)]);
  });

  test('after a resume has cut the file they begin anew, also where it is longer again', async () => {
    const { json, runs } = await serve();
    const steps = (time: number) => [0, 1, 2, 3].map((i) => stepRecord(i, time));
    const run = await makeRun(runs, 'run', lines(steps(1_700_000_000_000)));
    const { next } = await json<MetricsPart>(METRICS);
    const file = path.join(run.dir, 'metrics.jsonl');
    await truncate(file, Buffer.byteLength(lines([stepRecord(0)])));
    expect(await json<MetricsPart>(`${METRICS}?from=${next}`)).toMatchObject({
      from: '0',
      records: [stepRecord(0)],
    });
    const later = steps(1_700_000_900_000);
    await appendFile(file, lines([...later.slice(1), stepRecord(4, 1_700_000_900_000)]));
    const anew = await json<MetricsPart>(`${METRICS}?from=${next}`);
    expect(anew.from).toBe('0');
    expect(anew.records).toHaveLength(5);
    expect(anew.records[1]).toEqual(later[1]);
  });

  test('a long file comes in parts', async () => {
    const { json, runs } = await serve();
    const all = Array.from({ length: 200 }, (_, epoch) => wholeEpoch(epoch)).flat();
    await makeRun(runs, 'run', lines(all));
    const received: MetricsPart['records'][number][] = [];
    let parts = 0;
    for (let from = '0', more = true; more; parts++) {
      const part = await json<MetricsPart>(`${METRICS}?from=${from}`);
      ({ more } = part);
      from = part.next;
      received.push(...part.records);
    }
    expect(received).toEqual(all);
    expect(parts).toBe(2);
  });

  test('are read while they are written: whole lines, each once', async () => {
    const { json, runs } = await serve();
    const run = await makeRun(runs, 'run');
    const all = Array.from({ length: 300 }, (_, i) => stepRecord(i));
    let isWritten = false;
    const writing = (async () => {
      const text = lines(all);
      for (let at = 0; at < text.length; at += 777) await run.append(text.slice(at, at + 777));
      isWritten = true;
    })();
    const received: unknown[] = [];
    for (let from = '0', isLast = false; !isLast; ) {
      isLast = isWritten;
      const part = await json<MetricsPart>(`${METRICS}?from=${from}`);
      expect(part.from).toBe(from);
      from = part.next;
      received.push(...part.records);
    }
    await writing;
    expect(received).toEqual(all);
  });
});

describe('files', () => {
  test('are those of a run, with a tag by which a browser keeps them', async () => {
    const { get, runs } = await serve();
    const run = await makeRun(runs, 'table/run-seed7');
    await writeFile(path.join(run.dir, 'checkpoints/last.safetensors'), 'weights');
    await run.summarize(3);
    const at = (name: string) => `/api/runs/table%2Frun-seed7/files/${name}`;
    const config = await get(at('config.json'));
    expect(JSON.parse(config.body)).toMatchObject({ seed: 7 });
    expect(config.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(JSON.parse((await get(at('summary.json'))).body)).toMatchObject({ epochsDone: 3 });
    const weights = await get(at('checkpoints/last.safetensors'));
    expect(weights).toMatchObject({ status: 200, body: 'weights' });
    expect(weights.headers['content-type']).toBe('application/octet-stream');
    const { etag } = weights.headers;
    const again = { headers: { 'if-none-match': etag } };
    expect(await get(at('checkpoints/last.safetensors'), again)).toMatchObject({
      status: 304,
      body: '',
    });
    await writeFile(path.join(run.dir, 'checkpoints/last.safetensors'), 'changed');
    expect(await get(at('checkpoints/last.safetensors'), again)).toMatchObject({ body: 'changed' });
  });

  test('others, and those of no run, are not there', async () => {
    const { get, runs } = await serve();
    const { dir } = await makeRun(runs, 'run');
    await writeFile(path.join(dir, 'notes.md'), 'private');
    for (const name of ['notes.md', 'lock.json', 'metrics.jsonl', 'checkpoints', 'log.txt', '']) {
      expect((await get(`/api/runs/run/files/${name}`)).status).toBe(404);
    }
    const answer = await get('/api/runs/other/files/config.json');
    expect(answer.status).toBe(404);
    expect(errorOf(answer)).toBe('There is no run "other".');
  });
});
