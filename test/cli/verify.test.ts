// `table6 verify` as it is typed: what it prints, and its exit code.

import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { verify } from '../../src/cli/commands/verify.ts';
import { parseCommandLine } from '../../src/cli/options.ts';
import { createRun } from '../../src/runs/run.ts';
import { runTraining } from '../../src/runs/session.ts';
import { temporaryFolder } from '../data/fixtures.ts';
import { testHost } from '../runs/support/hosts.ts';
import { arithmeticBackend } from '../train/support/backends.ts';
import { collect, tinyConfig, tinyDataset } from '../train/support/tiny.ts';

const root = temporaryFolder();
const dir = join(root, 'runs', 'a');
beforeAll(async () => {
  const run = await createRun(testHost(), { dir, config: tinyConfig({ checkpointSteps: 2 }) });
  const [dataset, backend] = [tinyDataset(), arithmeticBackend()];
  await collect(runTraining({ run, dataset, backend, host: {} }));
});

async function typed(...argv: string[]) {
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
  onTestFinished(() => write.mockRestore());
  const line = parseCommandLine('verify', verify.options, verify.arguments, argv);
  const code = await verify.run(line);
  write.mockRestore();
  return { code, printed };
}

describe('table6 verify', () => {
  test('of a folder of runs looks at each, and says where to go on', async () => {
    const { code, printed } = await typed(join(root, 'runs'));
    expect(code).toBe(0);
    expect(printed).toContain(`${dir}\n`);
    expect(printed).toMatch(/last.safetensors +whole\n/);
    expect(printed).toContain(`train --resume ${dir}\n`);
  });

  test('of a run whose last checkpoint is damaged names the one to go on from', async () => {
    const copy = join(root, 'damaged');
    mkdirSync(join(copy, 'checkpoints'), { recursive: true });
    for (const name of ['config.json', 'metrics.jsonl', 'summary.json', 'environment.json'])
      copyFileSync(join(dir, name), join(copy, name));
    for (const name of ['last', 'previous']) {
      const bytes = readFileSync(join(dir, `checkpoints/${name}.safetensors`));
      if (name === 'last') bytes[bytes.length - 9]! ^= 2;
      writeFileSync(join(copy, `checkpoints/${name}.safetensors`), bytes);
    }
    const { code, printed } = await typed(copy);
    expect(code).toBe(1);
    expect(printed).toMatch(/last.safetensors +damaged: its content does not match/);
    expect(printed).toContain(`--resume ${copy} --from previous\n`);
    const [json] = JSON.parse((await typed(copy, '--json')).printed);
    expect(json.newest.name).toBe('previous');
  });

  test('of a folder in which one cannot be looked into looks at the others', async () => {
    const folder = join(root, 'with-a-loop');
    mkdirSync(folder);
    symlinkSync('a', join(folder, 'a'));
    symlinkSync(dir, join(folder, 'b'));
    const { code, printed } = await typed(folder);
    expect(code).toBe(1);
    expect(printed).toContain(`The symbolic links of "${folder}/a" lead in a circle`);
    expect(printed).toMatch(/last.safetensors +whole\n/);
  });

  test('of a JSON file alone says whether it is as it was written', async () => {
    const file = join(root, 'summary.json');
    copyFileSync(join(dir, 'summary.json'), file);
    expect((await typed(file)).printed).toMatch(/summary\.json +whole\n/);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"seed": 1', '"seed": 2'));
    expect(await typed(file)).toMatchObject({
      code: 1,
      printed: expect.stringContaining('since what it says does not match its checksum'),
    });
  });

  test('goes on after what is not there', async () => {
    const { code, printed } = await typed(join(root, 'none'), dir);
    expect(code).toBe(1);
    expect(printed).toContain('does not exist');
    expect(printed).toContain('whole');
  });
});
