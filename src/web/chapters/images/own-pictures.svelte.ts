// Pictures that a reader adds class by class, until they are used as a data set. They stay in the tab
// while other chapters are looked at.

import type { DataSource } from '../../worker/protocol.ts';

export interface OwnPicture {
  readonly file: Blob;
  /** To show it by. */
  readonly url: string;
}

export class OwnClass {
  name = $state('');
  pictures: readonly OwnPicture[] = $state.raw([]);

  constructor(name: string) {
    this.name = name;
  }
}

/** Two to learn from and to test with; the more the better. */
export const FEWEST = 2;

export class OwnClasses {
  name = $state('my pictures');
  list: readonly OwnClass[] = $state.raw([new OwnClass('first'), new OwnClass('second')]);
  /** The one that pictures are added to. */
  active = $state(0);

  /** @returns files that are no pictures, by name */
  add(files: readonly File[], to = this.list[this.active]!): string[] {
    const pictures = files.filter(({ type }) => type.startsWith('image/'));
    const added = pictures.map((file) => ({ file, url: URL.createObjectURL(file) }));
    to.pictures = [...to.pictures, ...added];
    return files.filter((file) => !pictures.includes(file)).map(({ name }) => name);
  }

  remove(from: OwnClass, picture: OwnPicture): void {
    URL.revokeObjectURL(picture.url);
    from.pictures = from.pictures.filter((each) => each !== picture);
  }

  addClass(): void {
    this.list = [...this.list, new OwnClass(`class ${this.list.length + 1}`)];
    this.active = this.list.length - 1;
  }

  removeClass(removed: OwnClass): void {
    for (const { url } of removed.pictures) URL.revokeObjectURL(url);
    this.list = this.list.filter((each) => each !== removed);
    this.active = Math.min(this.active, this.list.length - 1);
  }

  /** What has to be done before they can be used; '' when they can. */
  get missing(): string {
    const names = this.list.map(({ name }) => name.trim());
    if (this.name.trim() === '') return 'Name the data set.';
    if (names.includes('')) return 'Name every class.';
    if (new Set(names).size < names.length) return 'Two classes have the same name.';
    if (names.length < 2) return 'Add a second class: there must be something to tell apart.';
    const few = this.list.filter(({ pictures }) => pictures.length < FEWEST);
    if (few.length === 0) return '';
    const words = few.map(({ name, pictures }) => `“${name}” has ${pictures.length}`);
    return `Each class needs at least ${FEWEST} pictures, better 30: ${words.join(', ')}.`;
  }

  get source(): DataSource {
    return {
      from: 'pictures',
      name: this.name.trim(),
      classes: this.list.map(({ name, pictures }) => ({
        name: name.trim(),
        pictures: pictures.map(({ file }) => file),
      })),
    };
  }
}

export const own = new OwnClasses();
