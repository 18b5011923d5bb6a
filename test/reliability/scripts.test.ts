// The faults and attacks that were once found, each a script of its own beside the project, played against
// the command line. Minutes, so only `npm run test:slow` has them; what each is about is tested fast where it
// belongs. They want bash, Python and, for some, the rights of root.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedFile } from '../support/shared.ts';

const TABLE6 = join(import.meta.dirname, '..', '..', 'bin', 'table6.js');
const SCRIPTS = sharedFile('cases/reliability');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'table6-reliability-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a command writes, its exit code last. */
function run(command: string, args: string[], seconds = 170): Promise<string> {
  const env = { ...process.env, TABLE6, NODE: process.execPath };
  const options = { env, cwd: folder, timeout: 1000 * seconds, maxBuffer: 2 ** 26 };
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      resolve(`${stdout}${stderr}\nexit ${error ? (error.code ?? error.signal) : 0}`);
    });
  });
}

const script = (path: string, ...args: string[]) =>
  run(path.endsWith('.py') ? 'python3' : 'bash', [join(SCRIPTS!, path), ...args]);
const table6 = (...args: string[]) => run(process.execPath, [TABLE6, ...args], 20);

/** A stack trace, or what is said of a defect. */
const DEFECT = /\n {4}at |defect in table6/;

describe.skipIf(SCRIPTS === undefined)('the right result of', () => {
  test('bit-flip: found before anything is trained or evaluated', async () => {
    const output = await script('bit-flip/repro.sh');
    const [, sum] = /clean rc 0 .*: "([0-9a-f]+) ref \1/.exec(output) ?? [];
    expect(sum).toBeDefined();
    expect(output).toMatch(/^r rc 1 /m);
    expect(output).toContain('evaluate rc 1');
  });

  test('crc-quadratic: time linear in the file', async () => {
    await script('crc-quadratic/gen.py', join(folder, 'crc.pth'), '4', '2000');
    const start = performance.now();
    expect(await table6('info', 'crc.pth')).toMatch(/does not hold|far more than its size/);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test('epoch-line-doubled: one line an epoch, however often it was stopped', async () => {
    const output = await script('epoch-line-doubled/repro.py', '3');
    expect(output.match(/'kind': 'epoch'/g)).toHaveLength(1);
    expect(output).toContain('final exit 0');
  });

  test.skipIf(!existsSync('/usr/bin/gcc'))('exit70: sentences, and no defect', async () => {
    const output = await script('exit70/repro.sh');
    expect(output).not.toMatch(/rc 70|src\/runs/);
    expect(output.match(/rc [01] /g)).toHaveLength(4);
  });

  test('fifo: refused at once', async () => {
    await run('mkfifo', ['f.safetensors']);
    expect(await table6('info', 'f.safetensors')).toMatch(/no regular file[\s\S]*exit 1$/);
    expect(await table6('info', '/dev/zero')).toMatch(/no regular file[\s\S]*exit 1$/);
    expect(await table6('data', './f.safetensors')).toMatch(/nor a regular file[\s\S]*exit 1$/);
  });

  test.skipIf(process.getuid?.() !== 0)('stdout-full: the run is complete', async () => {
    const output = await script('stdout-full/repro.sh');
    expect(output).toContain('"outcome": "complete"');
    expect(output).toContain('last.safetensors');
    expect(output).not.toMatch(DEFECT);
  });

  test('symlink-write: nothing outside the folder is written', async () => {
    const output = await script('symlink-write/repro.sh');
    for (const name of ['log', 'metrics', 'last', 'summary']) {
      expect(output).toContain(`begins: precious ${name}`);
    }
  });

  test('safetensors-header: a small multiple of the file', async () => {
    await script('safetensors-header/gen.py', join(folder, 'a.safetensors'), '200000', 'empty');
    await script('safetensors-header/gen.py', join(folder, 'b.safetensors'), '4000000', 'deep');
    for (const name of ['a', 'b']) {
      expect(await table6('info', `${name}.safetensors`)).toMatch(/safetensors file:.*\n\nexit 1$/);
    }
  });

  test('lock-id: nothing outside the folder is removed', async () => {
    const output = await script('lock-id/repro.sh');
    expect(output).toMatch(/rc 1\nthesis.tex is still there/);
  });

  test('terminal-closed: saved as for Ctrl-C, no lock left', async () => {
    const output = await script('terminal-closed/repro.py');
    expect(output).toMatch(/exit (129|141) checkpoints \['.*last.safetensors'.*\] lock False/);
  });

  test('pickle-bombs: refused within a second and a small multiple of their size', async () => {
    const bombs = join(SCRIPTS!, 'pickle-bombs');
    expect(await table6('info', join(bombs, 'key-bomb.th'))).toContain('far more than its size');
    await mkdir(join(folder, 'bomb'));
    for (const name of [
      'data_batch_2',
      'data_batch_3',
      'data_batch_4',
      'data_batch_5',
      'test_batch',
    ])
      await copyFile(join(bombs, 'dtype-bomb', name), join(folder, 'bomb', name));
    const packed = await readFile(join(bombs, 'dtype-bomb', 'data_batch_1.gz'));
    await writeFile(join(folder, 'bomb', 'data_batch_1'), gunzipSync(packed));
    // What its types say of themselves is not made any more, so nothing grows.
    expect(await table6('data', 'bomb')).toContain(
      'data_batch_1 cannot be read as a CIFAR batch: it does not hold a dictionary',
    );
  });

  test.skipIf(process.getuid?.() !== 0)('pid-namespace: exactly one trains', async () => {
    const output = await script('pid-namespace/repro.sh');
    expect(output).toMatch(/first rc 0 second rc [01]/);
    const [own, reference] = output.match(/ complete \w+ metrics lines.*/g)!;
    expect(own).toBe(reference);
  });

  test('untrusted-text: nothing that a terminal or a page would obey', async () => {
    const output = await script('untrusted-text/repro.sh');
    expect(output).not.toMatch(/:[1-9]\d*\n.*md heading|not well-formed/);
    expect(output).not.toMatch(/^\d+:.*<img/m);
    expect(output).not.toMatch(/csv: =|,=/);
  });
});
