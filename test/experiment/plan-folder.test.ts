// plan.json carries a checksum: a digit that flipped in it would train another table without a word.

import { describe, expect, test } from 'vitest';
import { readPlan, writePlan } from '../../src/experiment/plan-folder.ts';
import { readReport } from '../../src/experiment/report/report.ts';
import { verifyTable } from '../../src/experiment/verify.ts';
import { createMemoryFileSystem } from '../../src/runs/file-system.memory.ts';
import { type FileSystem, writeAtomically } from '../../src/runs/file-system.ts';
import { createRun } from '../../src/runs/run.ts';
import { testHost } from '../runs/support/hosts.ts';
import { tinyConfig } from '../train/support/tiny.ts';

const FOLDER = 'runs/table';
const FILE = `${FOLDER}/plan.json`;
const request = {
  archs: ['resnet8'],
  seeds: [1, 2],
  recipes: ['quick'] as const,
  settings: { data: 'synthetic', epochs: 2 },
};

async function planned(): Promise<FileSystem> {
  const files = createMemoryFileSystem();
  await writePlan(testHost(files), FOLDER, request);
  return files;
}

async function text(files: FileSystem): Promise<string> {
  return new TextDecoder().decode(await files.read(FILE));
}

async function begin(files: FileSystem, name: string, seed = 1): Promise<void> {
  const config = { ...tinyConfig({ seed }), arch: 'resnet8', recipe: 'quick' as const };
  await (await createRun(testHost(files), { dir: `${FOLDER}/${name}`, config })).close();
}

describe('a plan', () => {
  test('of which one bit flipped is never taken for another', async () => {
    const files = await planned();
    const plan = await readPlan(files, FOLDER);
    const whole = (await files.read(FILE))!;
    for (let at = 0; at < whole.length; at++) {
      const damaged = Uint8Array.from(whole);
      damaged[at]! ^= 1 << (at % 8);
      await writeAtomically(files, FILE, damaged);
      const found = await readPlan(files, FOLDER).catch((error: Error) => error.message);
      // White space says nothing.
      if (typeof found === 'string') expect(found).toMatch(/plan.json" is (damaged|not a valid)/);
      else expect(found).toEqual(plan);
    }
  });

  test('that was changed is refused with what to do, and taken without its checksum', async () => {
    const files = await planned();
    const changed = (await text(files)).replace('"epochs": 2', '"epochs": 3');
    await writeAtomically(files, FILE, changed);
    const refused =
      '"runs/table/plan.json" is damaged or was changed, since what it says does not match its checksum: put a copy of it back, or delete its line "checksum" if you changed it yourself.';
    await expect(readPlan(files, FOLDER)).rejects.toThrow(refused);
    await expect(writePlan(testHost(files), FOLDER, request)).rejects.toThrow(refused);
    await writeAtomically(files, FILE, changed.replace(/.*"checksum".*\n/, ''));
    expect((await readPlan(files, FOLDER))?.settings.epochs).toBe(3);
  });

  test('has a checksum again once it grew', async () => {
    const files = await planned();
    await writeAtomically(files, FILE, (await text(files)).replace(/.*"checksum".*\n/, ''));
    expect(await verifyTable(files, FOLDER)).toMatchObject([{ state: 'unchecked' }]);
    await writePlan(testHost(files), FOLDER, { settings: {}, seeds: [3] });
    expect(await verifyTable(files, FOLDER)).toMatchObject([{ state: 'whole' }]);
  });

  test('that is damaged does not cost the report of the runs', async () => {
    const files = await planned();
    await begin(files, 'resnet8-quick-seed1');
    await writeAtomically(files, FILE, (await text(files)).replace('"epochs": 2', '"epochs": 3'));
    const { rows, notes } = await readReport(testHost(files), FOLDER);
    expect(rows.flatMap(({ runs }) => runs)).toHaveLength(1);
    expect(notes[0]).toMatch(/^Without its plan.*plan.json" is damaged/);
  });
});

describe('the verification of a table', () => {
  test('says how many runs there are, and which is not the one of the plan', async () => {
    const files = await planned();
    await begin(files, 'resnet8-quick-seed1');
    expect(await verifyTable(files, FOLDER)).toEqual([
      { file: 'plan.json', state: 'whole', text: '1 of its 2 runs begun' },
    ]);
    await begin(files, 'resnet8-quick-seed2', 7);
    expect((await verifyTable(files, FOLDER))[1]).toMatchObject({
      file: 'resnet8-quick-seed2',
      state: 'damaged',
      text: expect.stringContaining('holds another run (resnet8 quick seed 7)'),
    });
  });

  test('has nothing to say of a folder without a plan', async () => {
    expect(await verifyTable(createMemoryFileSystem(), FOLDER)).toEqual([]);
  });
});
