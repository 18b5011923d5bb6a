import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, test } from 'vitest';
import { writePyTorch } from '../../src/interop/pytorch/write.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { sampleWeights } from '../interop/samples.ts';
import { sharedFile } from '../support/shared.ts';
import { table6 } from './run-table6.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'table6-convert-'));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) => table6(args, { cwd: folder });
const at = (name: string) => path.join(folder, name);
writeFileSync(at('model.th'), writePyTorch(sampleWeights(createNetwork('resnet8'))));

describe('convert', () => {
  test('writes what the name asks for, atomically, and leaves nothing else', async () => {
    mkdirSync(at('out'));
    for (const name of ['a.safetensors', 'a.pth', 'a.onnx']) {
      const { code, stdout } = await run('convert', 'model.th', `out/${name}`);
      expect(code).toBe(0);
      expect(stdout).toMatch(
        new RegExp(`^out/${name}: .*, from model.th \\(resnet8, 10 classes\\)`),
      );
    }
    expect(readdirSync(at('out')).sort()).toEqual(['a.onnx', 'a.pth', 'a.safetensors']);
  });

  test('--half writes safetensors of about half the size, and is for nothing else', async () => {
    await run('convert', 'model.th', 'half.safetensors', '--half');
    const [half, full] = ['half', 'out/a'].map((name) => readFileSync(at(`${name}.safetensors`)));
    expect(half!.length).toBeLessThan(0.6 * full!.length);
    const refused = await run('convert', 'model.th', 'half.pth', '--half');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('--half is for safetensors files only');
  });

  test('never replaces a file without --force', async () => {
    writeFileSync(at('old.pth'), 'precious');
    const refused = await run('convert', 'model.th', 'old.pth');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('old.pth exists already: give another name, or --force');
    expect(readFileSync(at('old.pth'), 'utf8')).toBe('precious');
    expect((await run('convert', 'model.th', 'old.pth', '--force')).code).toBe(0);
    expect(readFileSync(at('old.pth')).subarray(0, 2).toString()).toBe('PK');
  });

  test('--to names a format that the name does not; --json reports it', async () => {
    const { stdout } = await run('convert', 'model.th', 'weights', '--to', 'safetensors', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      to: 'weights',
      format: 'safetensors',
      arch: 'resnet8',
      bytes: readFileSync(at('weights')).length,
    });
  });

  test('ONNX normalised inside or not, batch norms folded or not: one set of logits', async () => {
    await run('convert', 'model.th', 'bytes.onnx', '--fold');
    await run('convert', 'model.th', 'floats.onnx', '--input', 'float', '--no-fold');
    const pixels = Uint8Array.from({ length: 3072 }, (_, i) => (i * 31) & 255);
    const logits = async (name: string, image: Tensor) => {
      const session = await InferenceSession.create(at(name));
      return [...((await session.run({ image })).logits!.data as Float32Array)];
    };
    const shape = [1, 3, 32, 32];
    const bytes = await logits('bytes.onnx', new Tensor('uint8', pixels, shape));
    const image = new Tensor('float32', Float32Array.from(pixels), shape);
    const floats = await logits('floats.onnx', image);
    for (const [i, value] of bytes.entries()) expect(floats[i]! / value).toBeCloseTo(1, 4);
  });

  test.each<[string, string[], string]>([
    ['no format', ['model.th', 'out.bin'], '"out.bin" does not say a format'],
    ['itself', ['model.th', './model.th'], 'are the same file'],
    ['another format’s option', ['model.th', 'x.pth', '--input', 'float'], '--input is for ONNX'],
    ['both', ['model.th', 'x.onnx', '--fold', '--no-fold'], 'exclude each other'],
  ])('refuses %s with one sentence', async (_, args, message) => {
    const { code, stdout, stderr } = await run('convert', ...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('a missing folder is named before the weights are read', async () => {
    const { code, stderr } = await run('convert', 'model.th', 'nowhere/x.pth');
    expect(code).toBe(1);
    expect(stderr).toContain('The folder nowhere cannot be written to: it does not exist.');
  });
});

describe('info', () => {
  test('says what a file of another program is, and what it does not say', async () => {
    const { code, stdout } = await run('info', 'model.th');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^format +PyTorch, zip format/m);
    expect(stdout).toMatch(/^network +resnet8, shortcut A$/m);
    expect(stdout).toMatch(/^normalisation +not said/m);
  });

  test('--json for programs', async () => {
    const { stdout } = await run('info', 'model.th', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      format: 'pytorch-zip',
      arch: 'resnet8',
      shortcut: 'A',
      classes: 10,
      normalization: null,
      metadata: {},
    });
  });

  test('an ONNX model is called one', async () => {
    await run('convert', 'model.th', 'named.onnx');
    const { code, stderr } = await run('info', 'named.onnx');
    expect(code).toBe(1);
    expect(stderr).toContain('is an ONNX model, which this program writes but does not read');
  });
});

const sample = sharedFile('data/cifar10-sample');

describe.skipIf(sample === undefined)('the published weights through every format', () => {
  test.each([
    ['resnet20-12fca82f', 85],
    ['resnet56-4bfd9763', 74],
  ])('%s: %i wrong of 1,017 from each', async (name, wrong) => {
    const published = sharedFile(`data/pretrained/${name}.th`)!;
    const files = [published, `${name}.safetensors`, `${name}.pth`, `${name}-trainer.th`];
    for (const [i, to] of files.slice(1).entries()) {
      const prefix = to.includes('trainer') ? ['--module-prefix'] : [];
      expect(await run('convert', files[i]!, to, ...prefix)).toMatchObject({ code: 0 });
    }
    for (const file of files) {
      const { stdout } = await run('evaluate', file, '--data', sample!, '--json');
      expect(JSON.parse(stdout), file).toMatchObject({ images: 1017, wrong });
    }
    await run('convert', files.at(-1)!, `${name}.onnx`);
    expect(await wrongByOnnx(at(`${name}.onnx`))).toBe(wrong);
  });
});

/** Test images of the sample that an ONNX model taking pixels gets wrong. */
async function wrongByOnnx(model: string): Promise<number> {
  const file = readFileSync(`${sample}/cifar-10-batches-bin/test_batch.bin`);
  const count = file.length / 3073;
  const pixels = new Uint8Array(count * 3072);
  for (let i = 0; i < count; i++) pixels.set(file.subarray(i * 3073 + 1, (i + 1) * 3073), i * 3072);
  const session = await InferenceSession.create(model);
  const image = new Tensor('uint8', pixels, [count, 3, 32, 32]);
  const logits = (await session.run({ image })).logits!.data as Float32Array;
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    const row = logits.subarray(i * 10, i * 10 + 10);
    if (row.indexOf(Math.max(...row)) !== file[i * 3073]) wrong++;
  }
  return wrong;
}
