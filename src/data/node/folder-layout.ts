// Where the images of a folder are and what they show: `train/<class>/*` with `test/` or `val/` or both,
// classes without `train/`, only images to test on, or numbered images with a table of labels. Everything
// that looks at the names of folders is here; what the images are is image-folder.ts's.
//
// Names of classes are compared as people read them: an archive that was made on macOS has its accents in
// characters of their own (NFD), others have not (NFC).

import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { UserError } from '../../util/errors.ts';
import { IMAGE_FILES } from './decode-image.ts';
import { findLabels, readLabels } from './label-table.ts';

/** One image file, by its path below the data set's folder. */
export interface ImageFile {
  readonly path: string;
  readonly label: number;
}

export const SPLIT_ROLES = ['train', 'validation', 'test'] as const;
export type SplitRole = (typeof SPLIT_ROLES)[number];

export interface FolderLayout {
  /** Sorted. */
  readonly classes: readonly string[];
  /** Which folder each split is; `.` where the classes lie in the data set's folder itself. */
  readonly folders: Readonly<Partial<Record<SplitRole, string>>>;
  readonly files: Readonly<Partial<Record<SplitRole, readonly ImageFile[]>>>;
  /** Files that are no images, in folders that are used. */
  readonly others: number;
  /** Lines for people: what is not used, which classes are missing. */
  readonly notices: readonly string[];
}

/** What the folders of splits are called. */
const ROLES: Readonly<Record<SplitRole, RegExp>> = {
  train: /^train(ing)?([_-]?(set|data|images))?$/i,
  validation: /^(val|valid|validation|dev)([_-]?(set|data|images))?$/i,
  test: /^test(ing)?([_-]?(set|data|images))?$/i,
};
const MOST_CLASSES = 65_536;
/** Names that are shown of a list. */
const SHOWN = 6;

/**
 * Reads how a folder is laid out.
 * @returns undefined where it has no images in any of these ways
 * @throws UserError for one that has, and that nothing can be learned from
 */
export function readFolderLayout(folder: string): FolderLayout | undefined {
  const { names, files } = list(folder);
  const roles = rolesOf(folder, names);
  if (roles.train !== undefined || roles.test !== undefined || roles.validation !== undefined) {
    const unused = names.filter((name) => !Object.values(roles).includes(name));
    return inSplits(folder, roles, unused, files);
  }
  const holding = names.filter((name) => hasImage(join(folder, name)));
  if (holding.length >= 2) return atRoot(folder, holding, names);
  // An archive often unpacks into a folder of its own.
  const [only] = names;
  if (names.length === 1 && only !== undefined && !files.some((file) => IMAGE_FILES.test(file))) {
    const inside = readFolderLayout(join(folder, only));
    return inside && within(only, inside);
  }
  return undefined;
}

/** The folders and files of a folder, hidden ones left out, sorted. */
function list(folder: string): { names: string[]; files: string[] } {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(
    ({ name }) => !name.startsWith('.') && name !== '__MACOSX',
  );
  const names: string[] = [];
  const files: string[] = [];
  for (const entry of entries) (isDirectory(folder, entry) ? names : files).push(entry.name);
  return { names: names.sort(), files: files.sort() };
}

/** Follows links: people collect data sets from them. */
function isDirectory(folder: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return statSync(join(folder, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function rolesOf(folder: string, names: readonly string[]): Partial<Record<SplitRole, string>> {
  const roles: Partial<Record<SplitRole, string>> = {};
  for (const role of SPLIT_ROLES) {
    const [first, second] = names.filter((name) => ROLES[role].test(name));
    if (second !== undefined) {
      throw new UserError(
        `${folder} has both ${first} and ${second}, which mean the same: leave one of them, or move the other away.`,
      );
    }
    if (first !== undefined) roles[role] = first;
  }
  return roles;
}

/** Whether there is an image anywhere below. */
function hasImage(folder: string): boolean {
  const { names, files } = list(folder);
  return (
    files.some((file) => IMAGE_FILES.test(file)) ||
    names.some((name) => hasImage(join(folder, name)))
  );
}

function atRoot(
  folder: string,
  holding: readonly string[],
  names: readonly string[],
): FolderLayout {
  const reading = new Reading(folder);
  const classes = reading.classes(holding.map((name) => ({ name, place: name })));
  const files = { train: reading.images(classes.places) };
  const empty = names.filter((name) => !holding.includes(name));
  const notices =
    empty.length === 0 ? [] : [`not used in ${folder}, having no images: ${shown(empty)}`];
  return { ...reading.result(), classes: classes.names, folders: { train: '.' }, files, notices };
}

function inSplits(
  folder: string,
  roles: Readonly<Partial<Record<SplitRole, string>>>,
  unused: readonly string[],
  rootFiles: readonly string[],
): FolderLayout {
  const notices: string[] = [];
  if (unused.length > 0)
    notices.push(`not used in ${folder}: ${shown(unused.map((name) => `${name}/`))}`);
  const reading = new Reading(folder);
  // The classes are those that are trained on, else those there are.
  const main = roles.train ?? roles.validation ?? (roles.test as string);
  const mainRole = SPLIT_ROLES.find((role) => roles[role] === main) as SplitRole;
  const table =
    list(join(folder, main)).names.length === 0 ? findLabels(rootFiles, main) : undefined;
  if (table !== undefined) return withTable(folder, { roles, main, mainRole, table, notices });
  const ofMain = reading.classes(reading.folders(main));
  if (ofMain.names.length < 2) {
    const place = join(folder, main);
    throw new UserError(
      `${place} holds ${ofMain.names.length === 0 ? 'no class folders' : 'only one class'}: ` +
        'it must have one folder of images for each of at least two classes',
    );
  }
  if (ofMain.names.length > MOST_CLASSES) {
    throw new UserError(`${folder} has more than 65,536 classes`);
  }
  const files: Partial<Record<SplitRole, readonly ImageFile[]>> = {};
  for (const role of SPLIT_ROLES) {
    const name = roles[role];
    if (name === undefined) continue;
    const own = name === main ? ofMain : reading.classes(reading.folders(name));
    const extra = own.names.filter((found) => !ofMain.names.includes(found));
    if (extra.length > 0) {
      throw new UserError(
        `${join(folder, name)} has classes that ${join(folder, main)} does not have: ${shown(extra)}`,
      );
    }
    const places = own.places.map(({ place, label }) => ({
      place,
      label: ofMain.names.indexOf(own.names[label] as string),
    }));
    const images = reading.images(places);
    const found = new Set(images.map(({ label }) => label));
    const missing = ofMain.names.filter((_, label) => !found.has(label));
    if (missing.length > 0 && name === main) {
      throw new UserError(
        `class folder ${join(folder, main, missing[0] as string)} holds no images (PNG, JPEG or WebP): ` +
          'add some, or remove the folder',
      );
    }
    if (missing.length > 0 && images.length > 0) {
      notices.push(
        `no ${role} images of ${shown(missing)}: the ${role} error says nothing of them`,
      );
    }
    const loose = list(join(folder, name)).files.filter((file) => IMAGE_FILES.test(file));
    if (loose.length > 0) {
      notices.push(
        `not used in ${join(folder, name)}: ${loose.length} ${loose.length === 1 ? 'image' : 'images'} outside of the class folders`,
      );
    }
    files[role] = images;
  }
  return { ...reading.result(), classes: ofMain.names, folders: roles, files, notices };
}

interface WithTable {
  readonly roles: Readonly<Partial<Record<SplitRole, string>>>;
  readonly main: string;
  readonly mainRole: SplitRole;
  readonly table: string;
  readonly notices: string[];
}

/** Kaggle's way: numbered images in one folder, and a table that says what each shows. */
function withTable(
  folder: string,
  { roles, main, mainRole, table, notices }: WithTable,
): FolderLayout {
  const { files: names } = list(join(folder, main));
  const images = names.filter((name) => IMAGE_FILES.test(name));
  const labelled = readLabels(join(folder, table), images);
  const classes = [...new Set(labelled.values())].sort();
  if (classes.length < 2) {
    throw new UserError(`${join(folder, table)} names fewer than two classes of images in ${main}`);
  }
  const train = images.flatMap((name) => {
    const label = classes.indexOf(labelled.get(name) ?? '');
    return label < 0 ? [] : [{ path: `${main}${sep}${name}`, label }];
  });
  const unlabelled = images.length - train.length;
  if (unlabelled > 0) {
    notices.push(
      `not used in ${join(folder, main)}: ${unlabelled} images without a label in ${table}`,
    );
  }
  for (const [role, name] of Object.entries(roles)) {
    if (name !== main)
      notices.push(`not used: ${join(folder, name)} (${role}), whose images have no labels`);
  }
  const others = names.length - images.length;
  return { classes, folders: { [mainRole]: main }, files: { [mainRole]: train }, others, notices };
}

/** The same layout, seen from one folder further up. */
function within(name: string, layout: FolderLayout): FolderLayout {
  const under = (path: string) => (path === '.' ? name : `${name}${sep}${path}`);
  const files = Object.entries(layout.files).map(([role, images]) => [
    role,
    images.map(({ path, label }) => ({ path: under(path), label })),
  ]);
  const folders = Object.entries(layout.folders).map(([role, path]) => [role, under(path)]);
  return { ...layout, files: Object.fromEntries(files), folders: Object.fromEntries(folders) };
}

/** A folder of one class, below the data set's. */
interface Place {
  readonly place: string;
  readonly label: number;
}

class Reading {
  private readonly folder: string;
  private others = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  result(): { others: number } {
    return { others: this.others };
  }

  /** The folders in the folder of a split. */
  folders(split: string): { name: string; place: string }[] {
    return list(join(this.folder, split)).names.map((name) => ({ name, place: join(split, name) }));
  }

  /** Classes by name; folders whose names are the same to a reader are one class. */
  classes(folders: readonly { readonly name: string; readonly place: string }[]) {
    const names = [...new Set(folders.map(({ name }) => name.normalize('NFC')))].sort();
    const places: Place[] = folders.map(({ name, place }) => ({
      place,
      label: names.indexOf(name.normalize('NFC')),
    }));
    return { names, places: places.sort((a, b) => a.label - b.label) };
  }

  images(places: readonly Place[]): ImageFile[] {
    return places.flatMap(({ place, label }) => {
      const files = filesBelow(join(this.folder, place));
      const images = files.filter((file) => IMAGE_FILES.test(file));
      this.others += files.length - images.length;
      return images.map((file) => ({ path: `${place}${sep}${file}`, label }));
    });
  }
}

/**
 * The files below a folder, sorted, hidden ones left out. Node's own recursive listing takes six
 * times as long, which for 60,000 images is most of a start.
 */
function filesBelow(folder: string): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    if (!isDirectory(folder, entry)) files.push(entry.name);
    else if (!entry.isSymbolicLink()) {
      for (const file of filesBelow(join(folder, entry.name))) files.push(join(entry.name, file));
    }
  }
  return files.sort();
}

/** Some names of many. */
export function shown(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${names.slice(0, SHOWN).join(', ')}${more}`;
}

/** What a folder that is no data set has in it, for people. */
export function folderContent(folder: string): string {
  const { names, files } = list(folder);
  const all = [...names.map((name) => `${name}/`), ...files];
  return all.length === 0 ? 'it is empty' : `it has ${shown(all)}`;
}
