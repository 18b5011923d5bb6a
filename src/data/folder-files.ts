// A folder as the rules for layouts see it, wherever it is: on a disk (node/folder-files.ts), among files
// that were dropped on a page, in an archive. Paths are below the data set's folder, with `/` between
// names, '' for the folder itself.

/** File names that count as images: those of the formats that the decoders read. */
export const IMAGE_FILES = /\.(png|jpe?g|jfif|webp|gif|avif|tiff?)$/i;

export interface FolderContent {
  readonly names: readonly string[];
  readonly files: readonly string[];
}

export interface FolderFiles {
  /** What the folder is called in messages. */
  readonly place: string;
  /** The folders and files in a folder, hidden ones left out, sorted. */
  list(path: string): FolderContent;
  /** All files below a folder by their paths from there, hidden ones left out, sorted. */
  below(path: string): readonly string[];
  text(path: string): Promise<string>;
}

/** Neither what is hidden nor what a Mac adds to archives. */
export const isSeen = (name: string) => !name.startsWith('.') && name !== '__MACOSX';

/** A place in a folder, for messages. */
export function placeIn({ place }: Pick<FolderFiles, 'place'>, path: string): string {
  if (path === '' || path === '.') return place;
  return `${place.replace(/[/\\]+$/, '')}/${path}`;
}

/** `a/b`, and `b` in the folder itself. */
export const joined = (folder: string, name: string) =>
  folder === '' || folder === '.' ? name : `${folder}/${name}`;

/**
 * A folder of files that are known by their paths.
 * @param textOf reads one of them
 */
export function listedFolder(
  place: string,
  paths: Iterable<string>,
  textOf: (path: string) => Promise<string>,
): FolderFiles {
  const folders = new Map<string, { names: Set<string>; files: Set<string> }>();
  const folderAt = (path: string) => {
    const known = folders.get(path);
    if (known) return known;
    const made = { names: new Set<string>(), files: new Set<string>() };
    folders.set(path, made);
    return made;
  };
  for (const path of paths) {
    const names = path.split('/');
    if (!names.every(isSeen)) continue;
    const file = names.pop() as string;
    let folder = '';
    for (const name of names) {
      folderAt(folder).names.add(name);
      folder = joined(folder, name);
    }
    folderAt(folder).files.add(file);
  }
  const list = (path: string): FolderContent => {
    const { names, files } = folders.get(path === '.' ? '' : path) ?? { names: [], files: [] };
    return { names: [...names].sort(), files: [...files].sort() };
  };
  const below = (path: string): string[] => {
    const { names, files } = list(path);
    const deeper = names.flatMap((name) =>
      below(joined(path, name)).map((file) => `${name}/${file}`),
    );
    return [...files, ...deeper].sort();
  };
  return { place, list, below, text: textOf };
}
