// Where the images of a folder are and what they show: `train/<class>/*` with `test/` or `val/` or both,
// classes without `train/`, only images to test on, or numbered images with a table of labels. Everything
// that looks at the names of folders is here; what the images are is image-folder.ts's.
//
// Names of classes are compared as people read them: an archive that was made on macOS has its accents in
// characters of their own (NFD), others have not (NFC).

import { UserError } from '../util/errors.ts';
import { type FolderFiles, IMAGE_FILES, joined, placeIn } from './folder-files.ts';
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
export function readFolderLayout(folder: FolderFiles): Promise<FolderLayout | undefined> {
  return layoutAt(folder, '');
}

/** @param at the folder that is looked at, below the data set's */
async function layoutAt(folder: FolderFiles, at: string): Promise<FolderLayout | undefined> {
  const { names, files } = folder.list(at);
  const roles = rolesOf(placeIn(folder, at), names);
  const reading = new Reading(folder, at);
  if (roles.train !== undefined || roles.test !== undefined || roles.validation !== undefined) {
    const unused = names.filter((name) => !Object.values(roles).includes(name));
    return await reading.inSplits(roles, unused, files);
  }
  const holding = names.filter((name) => hasImage(folder, joined(at, name)));
  if (holding.length >= 2) return reading.atRoot(holding, names);
  // An archive often unpacks into a folder of its own.
  const [only] = names;
  if (names.length === 1 && only !== undefined && !files.some((file) => IMAGE_FILES.test(file))) {
    return await layoutAt(folder, joined(at, only));
  }
  return undefined;
}

function rolesOf(place: string, names: readonly string[]): Partial<Record<SplitRole, string>> {
  const roles: Partial<Record<SplitRole, string>> = {};
  for (const role of SPLIT_ROLES) {
    const [first, second] = names.filter((name) => ROLES[role].test(name));
    if (second !== undefined) {
      throw new UserError(
        `${place} has both ${first} and ${second}, which mean the same: leave one of them, or move the other away.`,
      );
    }
    if (first !== undefined) roles[role] = first;
  }
  return roles;
}

/** Whether there is an image anywhere below. */
function hasImage(folder: FolderFiles, at: string): boolean {
  const { names, files } = folder.list(at);
  return (
    files.some((file) => IMAGE_FILES.test(file)) ||
    names.some((name) => hasImage(folder, joined(at, name)))
  );
}

/** A folder of one class, below the data set's. */
interface Place {
  readonly place: string;
  readonly label: number;
}

type Roles = FolderLayout['folders'];

/** Reads a folder of known kind, and notes what it does not use. */
class Reading {
  private readonly folder: FolderFiles;
  /** The folder with the classes or splits, below the data set's. */
  private readonly at: string;
  private readonly notices: string[] = [];
  private others = 0;

  constructor(folder: FolderFiles, at: string) {
    this.folder = folder;
    this.at = at;
  }

  atRoot(holding: readonly string[], names: readonly string[]): FolderLayout {
    const classes = this.classes('', holding);
    const files = { train: this.images(classes.places) };
    const empty = names.filter((name) => !holding.includes(name));
    if (empty.length > 0) {
      this.notices.push(`not used in ${this.place('')}, having no images: ${shown(empty)}`);
    }
    return this.result(classes.names, { train: '.' }, files);
  }

  async inSplits(
    roles: Roles,
    unused: readonly string[],
    rootFiles: readonly string[],
  ): Promise<FolderLayout> {
    if (unused.length > 0) {
      const names = shown(unused.map((name) => `${name}/`));
      this.notices.push(`not used in ${this.place('')}: ${names}`);
    }
    // The classes are those that are trained on, else those there are.
    const main = roles.train ?? roles.validation ?? (roles.test as string);
    const inMain = this.list(main).names;
    const table = inMain.length === 0 ? findLabels(rootFiles, main) : undefined;
    if (table !== undefined) return await this.withTable(roles, main, table);
    const ofMain = this.classes(main, inMain);
    if (ofMain.names.length < 2) {
      throw new UserError(
        `${this.place(main)} holds ${ofMain.names.length === 0 ? 'no class folders' : 'only one class'}: ` +
          'it must have one folder of images for each of at least two classes',
      );
    }
    if (ofMain.names.length > MOST_CLASSES) {
      throw new UserError(`${this.place('')} has more than 65,536 classes`);
    }
    const files: Partial<Record<SplitRole, readonly ImageFile[]>> = {};
    for (const role of SPLIT_ROLES) {
      const name = roles[role];
      if (name !== undefined) files[role] = this.split(role, name, main, ofMain.names);
    }
    return this.result(ofMain.names, roles, files);
  }

  /** The images of one split, whose classes are those of the main one or some of them. */
  private split(
    role: SplitRole,
    name: string,
    main: string,
    classes: readonly string[],
  ): readonly ImageFile[] {
    const content = this.list(name);
    const own = this.classes(name, content.names);
    const extra = own.names.filter((found) => !classes.includes(found));
    if (extra.length > 0) {
      throw new UserError(
        `${this.place(name)} has classes that ${this.place(main)} does not have: ${shown(extra)}`,
      );
    }
    const labelOf = (label: number) => classes.indexOf(own.names[label] as string);
    const images = this.images(
      own.places.map(({ place, label }) => ({ place, label: labelOf(label) })),
    );
    const found = new Set(images.map(({ label }) => label));
    const missing = classes.filter((_, label) => !found.has(label));
    if (missing.length > 0 && name === main) {
      throw new UserError(
        `class folder ${this.place(`${main}/${missing[0]}`)} holds no images (PNG, JPEG or WebP): ` +
          'add some, or remove the folder',
      );
    }
    if (missing.length > 0 && images.length > 0) {
      this.notices.push(
        `no ${role} images of ${shown(missing)}: the ${role} error says nothing of them`,
      );
    }
    const loose = content.files.filter((file) => IMAGE_FILES.test(file));
    if (loose.length > 0) {
      this.notices.push(
        `not used in ${this.place(name)}: ${loose.length} ${loose.length === 1 ? 'image' : 'images'} outside of the class folders`,
      );
    }
    return images;
  }

  /** Kaggle's way: numbered images in one folder, and a table that says what each shows. */
  private async withTable(roles: Roles, main: string, table: string): Promise<FolderLayout> {
    const names = this.list(main).files;
    const images = names.filter((name) => IMAGE_FILES.test(name));
    const text = await this.folder.text(joined(this.at, table));
    const labelled = readLabels(text, this.place(table), images);
    const classes = [...new Set(labelled.values())].sort();
    if (classes.length < 2) {
      throw new UserError(`${this.place(table)} names fewer than two classes of images in ${main}`);
    }
    const found = images.flatMap((name) => {
      const label = classes.indexOf(labelled.get(name) ?? '');
      return label < 0 ? [] : [{ path: joined(this.at, `${main}/${name}`), label }];
    });
    const unlabelled = images.length - found.length;
    if (unlabelled > 0) {
      this.notices.push(
        `not used in ${this.place(main)}: ${unlabelled} images without a label in ${table}`,
      );
    }
    for (const [role, name] of Object.entries(roles)) {
      if (name !== main)
        this.notices.push(`not used: ${this.place(name)} (${role}), whose images have no labels`);
    }
    this.others = names.length - images.length;
    const mainRole = SPLIT_ROLES.find((role) => roles[role] === main) as SplitRole;
    return this.result(classes, { [mainRole]: main }, { [mainRole]: found });
  }

  private result(
    classes: readonly string[],
    roles: Roles,
    files: FolderLayout['files'],
  ): FolderLayout {
    const { others, notices } = this;
    const folders = Object.entries(roles).map(([role, path]) => [
      role,
      path === '.' ? this.at || '.' : joined(this.at, path),
    ]);
    return { classes, folders: Object.fromEntries(folders), files, others, notices };
  }

  private list(path: string) {
    return this.folder.list(joined(this.at, path));
  }

  private place(path: string): string {
    return placeIn(this.folder, path === '' ? this.at : joined(this.at, path));
  }

  /** Classes by name; folders whose names are the same to a reader are one class. */
  private classes(split: string, folders: readonly string[]) {
    const names = [...new Set(folders.map((name) => name.normalize('NFC')))].sort();
    const places: Place[] = folders.map((name) => ({
      place: joined(this.at, joined(split, name)),
      label: names.indexOf(name.normalize('NFC')),
    }));
    return { names, places: places.sort((a, b) => a.label - b.label) };
  }

  private images(places: readonly Place[]): ImageFile[] {
    return places.flatMap(({ place, label }) => {
      const files = this.folder.below(place);
      const images = files.filter((file) => IMAGE_FILES.test(file));
      this.others += files.length - images.length;
      return images.map((file) => ({ path: `${place}/${file}`, label }));
    });
  }
}

/** Some names of many. */
export function shown(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${names.slice(0, SHOWN).join(', ')}${more}`;
}

/** What a folder that is no data set has in it, for people. */
export function folderContent(folder: FolderFiles): string {
  const { names, files } = folder.list('');
  const all = [...names.map((name) => `${name}/`), ...files];
  return all.length === 0 ? 'it is empty' : `it has ${shown(all)}`;
}
