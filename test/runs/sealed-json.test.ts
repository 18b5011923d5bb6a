// JSON files with a checksum of what they say.

import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/runs/file-system.node.ts';
import { readSealedJson, writeSealedJson } from '../../src/runs/sealed-json.ts';
import { temporaryFolder } from './support/hosts.ts';

test('what was written is read, and a copy without its checksum, too', async () => {
  const path = `${await temporaryFolder()}/a.json`;
  await writeSealedJson(nodeFileSystem, path, { seed: 3, name: 'é' });
  const json = { seed: 3, name: 'é' };
  expect(await readSealedJson(nodeFileSystem, path)).toEqual({ json, hasChecksum: true });
  await writeFile(path, '{ "name": "é", "seed": 3 }');
  expect(await readSealedJson(nodeFileSystem, path)).toEqual({ json, hasChecksum: false });
});

test('a file that is no JSON is named in one line, whatever its lines are', async () => {
  const path = `${await temporaryFolder()}/a.json`;
  await writeFile(path, '{\n  "augment": urue,\n  "cropPadding": 4\n}\n');
  const reading = readSealedJson(nodeFileSystem, path, true);
  await expect(reading).rejects.toThrow(
    /^"[^"]+a\.json" is damaged: it is not JSON \([^\n]+\): repair it, or put a copy of it back\.$/,
  );
});
