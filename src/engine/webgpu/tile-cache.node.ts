// Remembered tile choices in the user's cache folder, one small JSON file. A folder that cannot be
// written is no error: what cannot be remembered is measured again.

import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../util/make-folder.node.ts';
import { parseTexts, type TileCache } from './tune.ts';

/** @param folder where table6 keeps what it can make again */
export function createFileTileCache(folder: string): TileCache {
  const file = path.join(folder, 'webgpu-tiles.json');
  return {
    get: async (key) => (await readEntries(file))[key],
    async set(key, value) {
      const entries = { ...(await readEntries(file)), [key]: value };
      const temporary = `${file}.${process.pid}`;
      try {
        await makeFolder(folder);
        await writeFile(temporary, JSON.stringify(entries, null, 1));
        await rename(temporary, file);
      } catch {
        await rm(temporary, { force: true }).catch(() => {});
      }
    },
  };
}

/** What the file holds; nothing where it is not there or damaged. */
async function readEntries(file: string): Promise<Record<string, string>> {
  return parseTexts(await readFile(file, 'utf8').catch(() => undefined)) ?? {};
}
