// A kit in parts: any order of transfers, damaged parts, parts that come again; then it runs.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cutIntoParts } from '../../../bench/gpu/parts.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'table6-parts-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** An archive like the kit's, of about 3000 bytes that do not compress. */
function cut() {
  const kit = path.join(folder, 'table6-gpu');
  mkdirSync(kit, { recursive: true });
  writeFileSync(path.join(kit, 'run'), '#!/bin/sh\necho "ran $*"\n');
  chmodSync(path.join(kit, 'run'), 0o755);
  writeFileSync(
    path.join(kit, 'noise'),
    Uint8Array.from({ length: 3000 }, (_, i) => (i * i * 31 + (i % 7) * 97) >> 3),
  );
  const archive = path.join(folder, 'kit.tgz');
  execFileSync('tar', ['-czf', archive, '-C', folder, 'table6-gpu']);
  return cutIntoParts(archive, 1000, 'table6-gpu');
}

describe('a kit in parts', () => {
  const { parts, script } = cut();
  /** A folder as a transfer leaves it: the script and some of the parts. */
  function arrive(name: string, ...numbers: number[]) {
    const here = path.join(folder, name);
    mkdirSync(here);
    for (const file of [script, ...numbers.map((number) => parts[number]!)]) {
      copyFileSync(file, path.join(here, path.basename(file)));
    }
    return here;
  }
  const store = path.join(folder, 'a store');
  const run = (here: string, ...args: string[]) =>
    spawnSync('sh', [path.join(here, path.basename(script)), store, ...args], { encoding: 'utf8' });

  it('has no part over its size, and no archive beside them', () => {
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect(readFileSync(part).length).toBeLessThanOrEqual(1000);
    expect(existsSync(path.join(folder, 'kit.tgz'))).toBe(false);
  });

  it('says what is missing or damaged, and keeps what came whole', () => {
    const here = arrive('first', 1, 2);
    writeFileSync(path.join(here, path.basename(parts[2]!)), 'cut short');
    const { stdout, status } = run(here, 'all');
    expect(status).toBe(0);
    expect(stdout).toContain('kit.tgz.001 kit.tgz.003');
    expect(stdout).not.toContain('kit.tgz.002');
  });

  it('is unpacked and run with the last of them, and runs again from there', () => {
    const rest = parts.map((_, i) => i).filter((i) => i !== 1);
    const { stdout, stderr } = run(arrive('second', ...rest), 'all', '--minutes', '4');
    expect(stderr).toBe('');
    expect(stdout).toBe('ran all --minutes 4\n');
    const noise = path.join('table6-gpu', 'noise');
    expect(readFileSync(path.join(store, noise))).toEqual(readFileSync(path.join(folder, noise)));
    expect(run(arrive('third'), 'report').stdout).toBe('ran report\n');
  });
});
