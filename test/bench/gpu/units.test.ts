// A folder of results that is gone on with: what is done stays done, what failed or killed the process
// is written down, and results of different things are not mixed.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { Results, type RunOptions, readResults, valuesOf } from '../../../bench/gpu/units.ts';

const FACTS = { adapter: 'Toy', driver: '1' };
let folder: string;
let said: string[];
let options: RunOptions;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'table6-units-'));
  said = [];
  options = {
    deadline: Number.POSITIVE_INFINITY,
    again: false,
    say: (line) => said.push(line),
  };
});
afterEach(() => rmSync(folder, { recursive: true }));

const unit = (name: string, measure: () => Promise<unknown>) => ({ name, measure });
const never = async () => {
  throw new Error('must not be measured again');
};

it('does each unit once, in this process or the next', async () => {
  const results = Results.open(folder, FACTS);
  expect(await results.run([unit('speed/a', async () => ({ rate: 1 }))], options)).toBe(true);
  const next = Results.open(folder, FACTS);
  const units = [unit('speed/a', never), unit('speed/b', async () => ({ rate: 2 }))];
  expect(await next.run(units, options)).toBe(true);
  const file = readResults(path.join(folder, 'results.json'));
  const rates = valuesOf(file, 'speed/', z.object({ rate: z.number() }));
  expect([...rates]).toEqual([
    ['a', { rate: 1 }],
    ['b', { rate: 2 }],
  ]);
});

it('writes down what failed, goes on, and tries it again when asked', async () => {
  const results = Results.open(folder, FACTS);
  const fail = unit('a', async () => {
    throw new Error('no room');
  });
  expect(await results.run([fail, unit('b', async () => 1)], options)).toBe(true);
  expect(results.snapshot.units).toMatchObject({
    a: { state: 'failed', problem: 'no room' },
    b: { state: 'done', value: 1 },
  });
  await results.run([unit('a', never)], options);
  await results.run([unit('a', async () => 7)], { ...options, again: true });
  expect(results.snapshot.units.a).toMatchObject({ state: 'done', value: 7 });
});

it('tries what the process died of once more, then leaves it out', async () => {
  const begun = (attempts: number) =>
    Results.open(folder, FACTS).set('a', { state: 'begun', attempts });
  begun(1);
  const second = Results.open(folder, FACTS);
  await second.run([unit('a', async () => 3)], options);
  expect(second.snapshot.units.a).toMatchObject({ state: 'done', value: 3 });
  begun(2);
  const third = Results.open(folder, FACTS);
  await third.run([unit('a', never)], options);
  expect(third.snapshot.units.a).toMatchObject({ state: 'failed' });
  expect(said.at(-1)).toContain('the process ended during it, 2 times');
});

it('begins nothing after the time is up', async () => {
  const results = Results.open(folder, FACTS);
  const late = { ...options, deadline: performance.now() - 1 };
  expect(await results.run([unit('a', never)], late)).toBe(false);
  expect(results.snapshot.units).toEqual({});
});

it('mixes no adapters', () => {
  Results.open(folder, FACTS).addFacts({ host: 'x' });
  expect(() => Results.open(folder, { ...FACTS, adapter: 'Other' })).toThrow(
    /holds results of adapter "Toy", and this is "Other": give another folder/,
  );
  expect(Results.open(folder, FACTS).snapshot.facts).toEqual({ ...FACTS, host: 'x' });
});

it('says so where there is nothing yet', () => {
  const file = path.join(folder, 'results.json');
  expect(() => readResults(file)).toThrow(`There are no results yet: ${file} is not there.`);
});

it('leaves a damaged file as it is', () => {
  const file = path.join(folder, 'results.json');
  writeFileSync(file, '{"format":');
  expect(() => Results.open(folder, FACTS)).toThrow('is not a file of results');
  expect(readFileSync(file, 'utf8')).toBe('{"format":');
});
