// Everything that the programs of the kit import is in the kit: no file is missed only on the machine
// that has nothing else.

import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { runtimePackages, SOURCES } from '../../../bench/gpu/pack.ts';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');
const PROGRAMS = ['bench/gpu/launch.ts', 'bench/gpu.ts', 'bin/table6.js', 'src/cli/main.ts'];
/** Code, not types; also what is imported when it is needed. */
const IMPORT =
  /(?:^|\n)(?:import|export)\s+(?!type\b)(?:[\w*{}\s,$]+\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

/** Files and packages that a file needs at run time, and those that they need. */
function imports(file: string, found = new Map<string, Set<string>>()) {
  const needed = new Set<string>();
  found.set(file, needed);
  for (const [, first, second] of readFileSync(path.join(ROOT, file), 'utf8').matchAll(IMPORT)) {
    const specifier = (first ?? second)!;
    if (specifier.startsWith('node:')) continue;
    const target = specifier.startsWith('.') ? path.join(path.dirname(file), specifier) : specifier;
    needed.add(target);
    if (specifier.startsWith('.') && !found.has(target)) imports(target, found);
  }
  return found;
}

const found = new Map<string, Set<string>>();
for (const program of PROGRAMS) imports(program, found);

it('holds every file', () => {
  expect(found.size).toBeGreaterThan(100);
  const isCarried = (file: string) =>
    SOURCES.some((source) => file === source || file.startsWith(`${source}/`));
  expect([...found.keys()].filter((file) => !isCarried(file))).toEqual([]);
  for (const source of SOURCES) expect(existsSync(path.join(ROOT, source)), source).toBe(true);
});

it('holds every package', () => {
  const packages = runtimePackages(ROOT, []);
  const names = [...found.values()]
    .flatMap((needed) => [...needed])
    .filter((target) => !/\.[jt]s$/.test(target))
    .map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)![0]);
  expect(new Set(names)).toContain('zod');
  expect([...new Set(names)].filter((name) => !packages.includes(name))).toEqual([]);
});

it('holds the packages that packages need, and leaves out what is not asked for', () => {
  expect(runtimePackages(ROOT, [])).toEqual(
    expect.arrayContaining(['onnx-buf', '@bufbuild/protobuf']),
  );
  expect(runtimePackages(ROOT, ['sharp'])).not.toContain('sharp');
});

it('can be started', () => {
  expect(statSync(path.join(ROOT, 'bench', 'gpu.sh')).mode & 0o111).not.toBe(0);
});
