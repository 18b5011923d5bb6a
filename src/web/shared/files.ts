// Files that a reader gives to the page: dropped (folders too), chosen or pasted.

/** A file and where it was: `photos/cat/1.png` of a folder that was dropped, else its name. */
export interface GivenFile {
  readonly file: File;
  readonly path: string;
}

/** What was chosen in an `<input type="file">`, of a folder with `webkitdirectory`. */
export function filesOfInput(list: FileList): GivenFile[] {
  return [...list].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** Whether a file is of the kinds that an `<input type="file" accept>` names; any is without them. */
export function isAccepted({ name, type }: File, accept = ''): boolean {
  if (accept === '') return true;
  return accept.split(',').some((kind) => {
    if (kind.endsWith('/*')) return type.startsWith(kind.slice(0, -1));
    return kind === type || name.toLowerCase().endsWith(kind);
  });
}

/**
 * What was dropped or pasted, with everything in its folders. Call it within the event: afterwards the
 * browser has forgotten what was dropped.
 */
export async function filesOfTransfer(transfer: DataTransfer): Promise<GivenFile[]> {
  const items = [...transfer.items].filter(({ kind }) => kind === 'file');
  const found = items.map((item) => {
    const entry = item.webkitGetAsEntry();
    if (entry) return walk(entry);
    const file = item.getAsFile();
    return file ? [{ file, path: file.name }] : [];
  });
  return (await Promise.all(found)).flat();
}

async function walk(entry: FileSystemEntry): Promise<GivenFile[]> {
  const path = entry.fullPath.replace(/^\//, '');
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path }];
  }
  const files: GivenFile[] = [];
  for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) {
    files.push(...(await walk(child)));
  }
  return files;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

/** A reader gives a hundred or so at a time, and none when it is done. */
async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const children: FileSystemEntry[] = [];
  while (true) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return children;
    children.push(...some);
  }
}
