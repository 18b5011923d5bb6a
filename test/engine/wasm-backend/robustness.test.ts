import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { packTensors } from '../../../src/engine/layout.ts';
import { lowerInference } from '../../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import { createWasmBackend } from '../../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../../src/engine/wasm/host.node.ts';
import type { WasmHost, WasmWorker, WorkerEvents } from '../../../src/engine/wasm/host.ts';
import { initializeWeights } from '../../../src/nn/initialize.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { UserError } from '../../../src/util/errors.ts';
import { randomBatch, testNormalization } from '../../conformance/cases.ts';

const host = createNodeHost();
const network = createNetwork('resnet8');

/** The host, with something of its workers watched or replaced. */
function hostWith(change: (worker: WasmWorker, events: WorkerEvents) => WasmWorker): WasmHost {
  return { ...host, startWorker: (events) => change(host.startWorker(events), events) };
}

describe('the wasm backend', () => {
  it('leaves the main thread free during a step', async () => {
    const backend = await createWasmBackend({ host, threads: 1 });
    const program = lowerTraining(network, { batchSize: 128 });
    const executable = await backend.compile(program);
    // Turns of the event loop, not of a timer, which a busy machine delays.
    let turns = 0;
    let isRunning = true;
    const turn = () => {
      turns++;
      if (isRunning) setImmediate(turn);
    };
    setImmediate(turn);
    await executable.run(randomBatch(10, 128, 1));
    isRunning = false;
    expect(turns).toBeGreaterThan(1);
    await backend.dispose();
  });

  it('hands a step to its threads before run returns, and the next one when it is done', async () => {
    const posted: string[] = [];
    const watched = hostWith((worker) => ({
      ...worker,
      post: (request) => {
        posted.push(request.kind);
        worker.post(request);
      },
    }));
    const backend = await createWasmBackend({ host: watched, threads: 2 });
    const executable = await backend.compile(lowerTraining(network, { batchSize: 8 }));
    const batch = randomBatch(10, 8, 1);
    posted.length = 0;
    // The caller gathers the next batch while this one is computed: so it must have begun.
    const first = executable.run(batch);
    expect(posted).toEqual(['run', 'run']);
    const second = executable.run(batch);
    expect(posted).toHaveLength(2);
    await first;
    await second;
    expect(posted).toHaveLength(4);
    const third = executable.run(batch);
    expect(posted).toHaveLength(6);
    await third;
    await backend.dispose();
  });

  it('carries out overlapping calls one after another', async () => {
    const backend = await createWasmBackend({ host, threads: 2 });
    const program = lowerInference(network, { batchSize: 4 });
    const executable = await backend.compile(program);
    const weights = initializeWeights(network, 1);
    const batch = randomBatch(10, 4, 1);
    const calls = [
      executable.write('parameters', packTensors(program, 'parameters', weights)),
      executable.write('running', packTensors(program, 'running', weights)),
      executable.write('normalization', testNormalization(false)),
      executable.run(batch),
      executable.read('logits'),
      executable.write('parameters', new Float32Array(program.buffers[0]!.elements)),
      executable.run(batch),
      executable.read('logits'),
    ];
    const results = await Promise.all(calls);
    expect((results[4] as Float32Array).some((logit) => logit !== 0)).toBe(true);
    expect((results[7] as Float32Array).every((logit) => logit === 0)).toBe(true);
    await backend.dispose();
  });

  it('says how much memory is missing and what to do', async () => {
    const backend = await createWasmBackend({ host, threads: 1 });
    const program = lowerTraining(createNetwork('resnet110'), { batchSize: 1024, memory: 'keep' });
    const compiled = backend.compile(program);
    await expect(compiled).rejects.toThrow(UserError);
    await expect(compiled).rejects.toThrow(
      /resnet110 with 1024 images needs 6\.\d GiB.*4 GiB.*smaller batch \(about \d+\), or recompute/,
    );
    await backend.dispose();
  });

  it('refuses batches that do not fit the program', async () => {
    const backend = await createWasmBackend({ host, threads: 1 });
    const executable = await backend.compile(lowerInference(network, { batchSize: 4 }));
    const batch = randomBatch(10, 4, 1);
    await expect(executable.run({ ...batch, count: 5 })).rejects.toThrow(/1 to 4/);
    await expect(executable.run({ ...batch, labels: Int32Array.of(0, 1, 2, 10) })).rejects.toThrow(
      /label 10 of image 3/,
    );
    await expect(
      executable.run({ ...batch, augmentation: new Int32Array(12).fill(9) }),
    ).rejects.toThrow(/augmentation 9/);
    await expect(executable.read('momentum')).rejects.toThrow(/no momentum/);
    await expect(executable.write('parameters', new Float32Array(3))).rejects.toThrow(/not 3/);
    expect((await executable.run(batch)).count).toBe(4);
    await backend.dispose();
  });

  it.each([0, 1.5, Number.NaN])('refuses %d threads', async (threads) => {
    await expect(createWasmBackend({ host, threads })).rejects.toThrow(UserError);
  });

  it('turns a dead worker into an error, in this step and in later ones', async () => {
    const workers: WasmWorker[] = [];
    const watched = hostWith((worker, events) => {
      workers.push({
        ...worker,
        // Ended on purpose here, and reported as Node reports a worker that ends by itself.
        terminate: async () => {
          await worker.terminate();
          events.crashed('out of memory');
        },
      });
      return worker;
    });
    const backend = await createWasmBackend({ host: watched, threads: 2 });
    const executable = await backend.compile(lowerTraining(network, { batchSize: 128 }));
    const running = executable.run(randomBatch(10, 128, 1));
    const rejected = expect(running).rejects.toThrow(/worker thread .*stopped \(out of memory\)/);
    await workers[1]!.terminate();
    await rejected;
    await expect(executable.run(randomBatch(10, 128, 1))).rejects.toThrow(/stopped/);
    await backend.dispose();
  });

  it('lets the process end: after dispose, and idle without it', async () => {
    const child = fileURLToPath(new URL('./exit-child.ts', import.meta.url));
    for (const mode of ['dispose', 'forget']) {
      expect(await exitOf(child, mode)).toEqual({ code: 0, output: 'done\n' });
    }
  });
});

function exitOf(script: string, mode: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', reject);
    child.on('exit', (code) => resolve({ code, output }));
  });
}
