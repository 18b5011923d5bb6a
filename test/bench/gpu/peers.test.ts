// How PyTorch's measurements are asked for. A script stands in for Python: it speaks the protocol of
// bench/peers/pytorch_gpu.py, and fails and dies where it is told to.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseCommand } from '../../../bench/gpu/options.ts';
import { type PeerResult, peerUnits, pytorchVariants } from '../../../bench/gpu/peers.ts';

const PYTHON = `#!${process.execPath}
const { createInterface } = require('node:readline');
const say = (value) => console.log(JSON.stringify(value));
const facts = { torch: '9.9', cuda: process.env.NO_GPU ? null : '13', cudnn: '1', gpu: process.env.NO_GPU ? null : 'Toy' };
console.log('a greeting');
say(facts);
if (process.argv[3] !== 'facts') {
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { precision, layout, batch, turns } = JSON.parse(line);
    if (precision === 'half') { console.error('Segmentation fault'); process.exit(1); }
    else if (precision === 'amp') say({ error: 'out of memory' });
    else say({ images_per_second: [3, 1, 2].slice(0, turns).map((rate) => rate * batch), peak_bytes: 7, first_step_seconds: 0.5, pid: process.pid });
  });
}
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'table6-peers-'));
  writeFileSync(path.join(folder, 'python'), PYTHON);
  chmodSync(path.join(folder, 'python'), 0o755);
});
afterEach(() => {
  delete process.env.NO_GPU;
  rmSync(folder, { recursive: true });
});

function unitsFor(python: string, said: string[] = []) {
  const command = parseCommand(['peers', '--networks', 'resnet20', '--python', python]);
  if (command.kind !== 'run') throw new Error(command.kind);
  const peers = peerUnits(command.settings, (line) => said.push(line));
  const measure = (name: string) =>
    peers.units.find((unit) => unit.name === `peer/9.9/resnet20/${name}`)!.measure();
  return { peers, measure };
}

it('takes the median of the turns of one process, and goes on after failures', async () => {
  const { peers, measure } = unitsFor(path.join(folder, 'python'));
  expect(peers.facts).toEqual({ 'PyTorch 9.9': 'CUDA 13, cuDNN 1, Toy' });
  const result = (await measure('tf32, channels_last, eager')) as PeerResult;
  expect(result).toEqual({
    ...{ precision: 'tf32', layout: 'channels_last', engine: 'eager' },
    ...{ imagesPerSecond: 256, slowest: 128, fastest: 384, peakBytes: 7, firstStepSeconds: 0.5 },
  });
  await expect(measure('amp, contiguous, eager')).rejects.toThrow('out of memory');
  await expect(measure('half, contiguous, eager')).rejects.toThrow('Python ended: Segmentation');
  await expect(measure('float32, contiguous, eager')).resolves.toMatchObject({ peakBytes: 7 });
  peers.stop();
});

it('says which interpreters cannot be compared with', () => {
  process.env.NO_GPU = '1';
  const said: string[] = [];
  expect(unitsFor(path.join(folder, 'python'), said).peers.units).toEqual([]);
  expect(unitsFor('/no/such/python', said).peers.units).toEqual([]);
  expect(said[0]).toContain('PyTorch 9.9 sees no GPU');
  expect(said[1]).toBe(
    '/no/such/python: has no PyTorch: no comparison with it (--python names another interpreter)',
  );
});

it('measures eager programs first, and compiles no network of 1,202 layers', () => {
  const { peers } = unitsFor(path.join(folder, 'python'));
  const engines = peers.units.map(({ name }) => name.split(', ').at(-1));
  expect(engines.slice(0, 8).every((engine) => engine === 'eager')).toBe(true);
  expect(engines.slice(8)).toEqual(['compile', 'graphs', 'compile', 'graphs']);
  expect(pytorchVariants(1202).every(({ engine }) => engine === 'eager')).toBe(true);
});
