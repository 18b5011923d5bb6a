// Training in a tab, from the page's side: steps, pauses, reloads, two tabs, a killed worker, a full
// storage. Whatever happens, the weights are those of a run that nothing happened to.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeSynthetic } from '../../../src/data/synthetic.ts';
import { createWasmBackend } from '../../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../../src/engine/wasm/host.node.ts';
import { packFolder, unpackFolder } from '../../../src/formats/zip-folder.ts';
import { nodeFileSystem } from '../../../src/runs/file-system.node.ts';
import { writeAtomically } from '../../../src/runs/file-system.ts';
import { openRun, resumeRun } from '../../../src/runs/runs.node.ts';
import { runTraining } from '../../../src/runs/session.ts';
import { findChromium } from '../../support/chromium.ts';
import { openBrowser, type Tab, type TabBrowser } from './tab.ts';

const chromium = findChromium();
const DATA = 'synthetic:train=256,test=64';
/** Two epochs of eight steps. */
const SMALL = {
  arch: 'resnet8',
  recipe: 'quick',
  overrides: { epochs: 2, batchSize: 32, seed: 3, metricsEvery: 1, checkpointSeconds: 0 },
};
const smallWith = (overrides: object) => ({
  ...SMALL,
  overrides: { ...SMALL.overrides, ...overrides },
});

/** Begins a run; what follows has its name. */
const BEGIN = `
  const { request = null, paused = false } = argument ?? {};
  await client.ask('device', { device: 'cpu', threads: argument?.threads });
  const { runs: [run] } = await client.ask('start', { runs: [request], data: '${DATA}', paused });
`;
const SHA = `(await client.ask('readRun', { run })).summary.weightsSha256`;

/** The weights of a whole run in a tab. */
const wholeRun = (tab: Tab, request: object = SMALL) =>
  tab.run<string>(`${BEGIN} await stopped(run); return ${SHA};`, { request, threads: 2 });

describe.skipIf(!chromium)('in an isolated tab', () => {
  let browser: TabBrowser;
  let tab: Tab;
  let expected: string;
  beforeAll(async () => {
    browser = await openBrowser(chromium!);
    tab = await browser.open();
    expected = await wholeRun(tab);
  });
  afterAll(() => browser[Symbol.asyncDispose]());

  it('runs are kept, and threads compute', async () => {
    expect(await tab.run(`return await client.ask('tab');`)).toMatchObject({
      isolated: true,
      gpu: 'none',
      storage: { kind: 'opfs' },
    });
    expect(
      await tab.run(`return await client.ask('device', { device: 'cpu', threads: 2 });`),
    ).toMatchObject({
      kind: 'wasm',
      threads: 2,
      description: expect.stringContaining('2 threads'),
    });
  });

  it('the loss falls, every step is told, and messages are few', async () => {
    const told = await tab.run<{
      losses: number[];
      iterations: number[];
      log: string[];
      gaps: number[];
    }>(
      `${BEGIN} await stopped(run);
      const log = events.flatMap((event) => event.kind === 'training' ? event.runs.filter((news) => news.run === run).flatMap((news) => news.log) : []);
      return {
        log,
        losses: said(run).filter(({ kind }) => kind === 'epoch-end').map(({ trainLoss }) => trainLoss),
        iterations: steps(run).map(({ iteration }) => iteration),
        gaps: arrivals.slice(1).map((time, i) => time - arrivals[i]),
      };`,
      { request: smallWith({ epochs: 3 }) },
    );
    expect(told.losses.at(-1)).toBeLessThan(told.losses[0]!);
    expect(told.iterations).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
    expect(told.log.slice(0, 2)).toEqual(['Training resnet8 model', 'current lr 1.00000e-01']);
    expect(told.log[2]).toMatch(/^Epoch: \[0\]\[0\/8\]\tLoss /);
    expect(told.log.at(-1)).toMatch(/^The lowest error from resnet8 model after 3 epochs is \d/);
    const close = told.gaps.filter((gap) => gap < 50);
    // Only what ends a run does not wait for its turn.
    expect(close.length).toBeLessThanOrEqual(6);
  });

  it('a run is a run folder, and comes out as a zip of one', async () => {
    const zip = await tab.run<string>(
      `${BEGIN} await stopped(run); return await base64((await client.ask('exportRun', { run })).file);`,
      { request: SMALL },
    );
    const files = await unpackFolder(Buffer.from(zip, 'base64'));
    expect([...files.keys()].sort()).toEqual([
      'checkpoints/best.safetensors',
      'checkpoints/last.safetensors',
      'checkpoints/previous.safetensors',
      'config.json',
      'environment.json',
      'log.txt',
      'metrics.jsonl',
      'summary.json',
    ]);
    const summary = JSON.parse(new TextDecoder().decode(files.get('summary.json')));
    expect(summary).toMatchObject({ outcome: 'complete', weightsSha256: expected });
  });

  it('paused, reloaded and gone on with, it has the weights of an unbroken run', async () => {
    const run = await tab.run<string>(
      `${BEGIN} await until(() => steps(run).length >= 3); await client.ask('pause');
      const before = steps(run).length;
      await new Promise((resolve) => setTimeout(resolve, 300));
      if (steps(run).length !== before) throw new Error('it did not pause');
      return run;`,
      { request: SMALL },
    );
    await tab.reload();
    const listed = await tab.run<{ run: string }[]>(`return await client.ask('runs');`);
    expect(listed.find((each) => each.run === run)).toMatchObject({
      state: 'stopped',
      canGoOn: true,
      checkpoints: expect.arrayContaining(['last']),
    });
    const sha = await tab.run(
      `const run = argument; await client.ask('goOn', { runs: [run] }); await stopped(run); return ${SHA};`,
      run,
    );
    expect(sha).toBe(expected);
  });

  it('one step at a time, and with pauses between, likewise', async () => {
    const { counts, sha } = await tab.run<{ counts: number[]; sha: string }>(
      `${BEGIN} const counts = [];
      for (let i = 0; i < 3; i++) { await client.ask('step'); counts.push(steps(run).length); }
      await client.ask('resume'); await until(() => steps(run).length >= 9);
      await client.ask('pause'); await client.ask('resume'); await stopped(run);
      return { counts, sha: ${SHA} };`,
      { request: SMALL, paused: true },
    );
    expect(counts).toEqual([1, 2, 3]);
    expect(sha).toBe(expected);
  });

  it('the rate that is changed on the way is recorded, and replayed after a reload', async () => {
    const { run, changes } = await tab.run<{ run: string; changes: object[] }>(
      `${BEGIN} await client.ask('step'); await client.ask('step');
      await client.ask('setRateFactor', { run, factor: 0.25 });
      await client.ask('step');
      const { config } = await client.ask('readRun', { run });
      return { run, changes: config.rateChanges };`,
      { request: SMALL, paused: true },
    );
    expect(changes).toEqual([{ iteration: 2, factor: 0.25 }]);
    await tab.reload();
    const sha = await tab.run(
      `const run = argument; await client.ask('goOn', { runs: [run] }); await stopped(run); return ${SHA};`,
      run,
    );
    expect(sha).not.toBe(expected);
    expect(await wholeRun(tab, smallWith({ rateChanges: changes }))).toBe(sha);
  });

  it('two runs in turn have the bits that each has alone', async () => {
    const plain = { ...SMALL, arch: 'plain8' };
    const alone = await wholeRun(tab, plain);
    const both = await tab.run<string[]>(
      `const { runs } = await client.ask('start', { runs: argument, data: '${DATA}' });
      for (const run of runs) await stopped(run);
      return await Promise.all(runs.map(async (run) => ${SHA}));`,
      [SMALL, plain],
    );
    expect(both).toEqual([expected, alone]);
  });

  it('a run in another tab is refused with a sentence; when that tab is gone, it goes on', async () => {
    const other = await browser.open();
    const run = await other.run<string>(`${BEGIN} await client.ask('step'); return run;`, {
      request: SMALL,
      paused: true,
    });
    const refused = await tab.run(
      `return await refusal(client.ask('goOn', { runs: [argument] }));`,
      run,
    );
    expect(refused).toMatchObject({
      code: 'run-in-use',
      message: `The run "${run}" is open in another tab of this browser: stop it there or close that tab first.`,
    });
    await other.page.close();
    const sha = await tab.run(
      `const run = argument;       for (let tries = 0; await refusal(client.ask('goOn', { runs: [run] })); tries++) if (tries > 50) throw new Error('still taken');
      await stopped(run); return ${SHA};`,
      run,
    );
    expect(sha).toBe(expected);
  });

  it('a killed worker is told, another one is started, and the run goes on from its last save', async () => {
    const other = await browser.open();
    const run = await other.run<string>(
      `${BEGIN} await until(() => steps(run).length >= 3); await client.ask('save');
      client.worker.terminate();
      const waiting = refusal(client.ask('runs'));
      await until(() => ended.length > 0);
      if ((await waiting).code !== 'worker-ended') throw new Error('a request was left waiting');
      return run;`,
      { request: SMALL },
    );
    expect(await other.run(`return [ended[0], client.isAlive];`)).toMatchObject([
      { code: 'worker-ended', message: expect.stringContaining('What was saved before is whole') },
      false,
    ]);
    const sha = await other.run(
      `const run = argument; client.start(); await client.ask('goOn', { runs: [run] }); await stopped(run); return ${SHA};`,
      run,
    );
    expect(sha).toBe(expected);
    await other.page.close();
  });

  it('a diverging run stops with an explanation, and goes on at a smaller rate', async () => {
    const { error, run, canGoOn } = await tab.run<{ error: object; run: string; canGoOn: boolean }>(
      `${BEGIN} await until(() => steps(run).length >= 2); await client.ask('pause');
      await client.ask('setRateFactor', { run, factor: 1000 }); await client.ask('setRateFactor', { run, factor: 900 });
      await client.ask('resume');
      const error = await stopped(run);
      const { canGoOn } = (await client.ask('runs')).find((each) => each.run === run);
      return { error, run, canGoOn };`,
      { request: smallWith({ epochs: 40, learningRate: 100 }) },
    );
    expect(error).toMatchObject({
      code: 'diverged',
      message: expect.stringContaining('try a smaller learning rate'),
      facts: { learningRate: expect.any(Number) },
    });
    expect(canGoOn).toBe(true);
    const losses = await tab.run<number[]>(
      `const run = argument; const before = steps(run).length;
      await client.ask('goOn', { runs: [run], paused: true });
      await client.ask('setRateFactor', { run, factor: 1e-5 });
      await client.ask('step'); await client.ask('stop');
      return steps(run).slice(before).map(({ loss }) => loss);`,
      run,
    );
    expect(losses).toHaveLength(1);
    expect(Number.isFinite(losses[0])).toBe(true);
  });

  it('on a full storage it ends with a sentence; what was saved before is whole, and it goes on', async () => {
    const other = await browser.open();
    const session = await browser.context.newCDPSession(other.page);
    const origin = new URL(other.page.url()).origin;
    const run = await other.run<string>(
      `${BEGIN} await client.ask('step'); await client.ask('save'); return run;`,
      {
        request: SMALL,
        paused: true,
      },
    );
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1000 });
    const error = await other.run(
      `const run = argument; await client.ask('resume'); return await stopped(run);`,
      run,
    );
    expect(error).toMatchObject({ code: 'system', facts: { reason: 'disk-full' } });
    await session.send('Storage.overrideQuotaForOrigin', { origin });
    const sha = await other.run(
      `const run = argument; events.length = 0; await client.ask('goOn', { runs: [run] }); await stopped(run); return ${SHA};`,
      run,
    );
    expect(sha).toBe(expected);
    await other.page.close();
  });

  it('says before a start what a run would take', async () => {
    const estimate = await tab.run<Record<string, number>>(
      `return await client.ask('estimate', { run: argument, data: '${DATA}' });`,
      SMALL,
    );
    expect(estimate).toMatchObject({ iterations: 16, device: { kind: 'wasm' } });
    for (const fact of ['imagesPerSecond', 'seconds', 'memoryBytes', 'diskBytes', 'freeBytes']) {
      expect(estimate[fact], fact).toBeGreaterThan(0);
    }
  });

  it('goes on in Node.js and back in the tab, to the same bits', async () => {
    const zip = await tab.run<string>(
      `${BEGIN} for (let i = 0; i < 3; i++) await client.ask('step');
      await client.ask('stop');
      return await base64((await client.ask('exportRun', { run })).file);`,
      { request: SMALL, paused: true },
    );
    const dir = await mkdtemp(path.join(tmpdir(), 'table6-tab-'));
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    for (const [name, bytes] of await unpackFolder(Buffer.from(zip, 'base64'))) {
      await nodeFileSystem.makeFolder(path.dirname(`${dir}/${name}`));
      await writeAtomically(nodeFileSystem, `${dir}/${name}`, bytes);
    }
    const backend = await createWasmBackend({ host: createNodeHost(), threads: 1 });
    const stop = { requested: false };
    const run = await resumeRun(dir);
    for await (const event of runTraining({
      run,
      dataset: makeSynthetic(DATA),
      backend,
      host: {},
      stop,
    })) {
      if (event.kind === 'step' && event.iteration === 10) stop.requested = true;
    }
    await backend.dispose();
    expect((await openRun(dir)).summary).toMatchObject({ outcome: 'interrupted', iteration: 10 });
    const back = new Map<string, Uint8Array>();
    for (const name of [
      'config.json',
      'environment.json',
      'summary.json',
      'metrics.jsonl',
      'log.txt',
      'checkpoints/last.safetensors',
    ]) {
      back.set(name, (await nodeFileSystem.read(`${dir}/${name}`))!);
    }
    const address = await tab.serve({ name: 'from-node.zip', bytes: await packFolder(back) });
    const ended = await tab.run(
      `const file = await blobOf(argument);
      const { run } = await client.ask('importRun', { file, name: 'from-node.zip' });
      await client.ask('goOn', { runs: [run] }); await stopped(run);
      return { run, sha: ${SHA} };`,
      address,
    );
    expect(ended).toEqual({ run: 'runs/from-node', sha: expected });
  });

  it('a run can be removed, and an archive that is none is refused', async () => {
    const address = await tab.serve({
      name: 'not-a-run.zip',
      bytes: await packFolder(new Map([['a.txt', new Uint8Array(3)]])),
    });
    const { refused, gone } = await tab.run<{ refused: object[]; gone: boolean }>(
      `${BEGIN} await client.ask('stop'); await client.ask('removeRun', { run });
      const gone = !(await client.ask('runs')).some((each) => each.run === run);
      const take = async (file, name) => await refusal(client.ask('importRun', { file, name }));
      const refused = [
        await take(await blobOf('${address}'), 'not-a-run.zip'),
        await take(new Blob(['no archive']), 'text.zip'),
        await take((await blobOf('${address}')).slice(0, 60), 'cut.zip'),
      ];
      return { refused, gone };`,
      { request: SMALL, paused: true },
    );
    expect(gone).toBe(true);
    expect(refused).toMatchObject([
      { message: 'not-a-run.zip holds no run: it has no config.json.' },
      { message: expect.stringContaining('text.zip: not a zip archive') },
      { message: expect.stringContaining('cut.zip: ') },
    ]);
  });

  it('left no error in the console', () => {
    expect(tab.errors).toEqual([]);
  });
});

describe.skipIf(!chromium)('in a tab that is not isolated', () => {
  it('one thread trains to the same bits as two', async () => {
    await using browser = await openBrowser(chromium!, { isolated: false });
    const tab = await browser.open();
    const facts = await tab.run(`return await client.ask('device', { device: 'auto' });`);
    expect(facts).toMatchObject({
      kind: 'wasm',
      threads: 1,
      description: expect.stringContaining('isolated'),
    });
    const alone = await tab.run(
      `const { runs: [run] } = await client.ask('start', { runs: [argument], data: '${DATA}' });
      await stopped(run); return ${SHA};`,
      SMALL,
    );
    await using isolated = await openBrowser(chromium!);
    expect(await wholeRun(await isolated.open())).toBe(alone);
    expect(tab.errors).toEqual([]);
  });
});
