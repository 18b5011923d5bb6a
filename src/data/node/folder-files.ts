// A folder on the disk, as the rules for layouts see it (folder-files.ts).

import { type Dirent, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FolderFiles, isSeen } from '../folder-files.ts';

export function diskFolder(place: string): FolderFiles {
  return {
    place,
    list(path) {
      const folder = join(place, path);
      const names: string[] = [];
      const files: string[] = [];
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (isSeen(entry.name)) (isDirectory(folder, entry) ? names : files).push(entry.name);
      }
      return { names: names.sort(), files: files.sort() };
    },
    below: (path) => filesBelow(join(place, path)),
    text: (path) => readFile(join(place, path), 'utf8'),
  };
}

/** Follows links: people collect data sets from them. */
function isDirectory(folder: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return statSync(join(folder, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Node's own recursive listing takes six times as long, which for 60,000 images is most of a start. */
function filesBelow(folder: string): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!isSeen(entry.name)) continue;
    if (!isDirectory(folder, entry)) files.push(entry.name);
    else if (!entry.isSymbolicLink()) {
      for (const file of filesBelow(join(folder, entry.name))) files.push(`${entry.name}/${file}`);
    }
  }
  return files.sort();
}
