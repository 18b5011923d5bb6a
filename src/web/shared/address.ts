// What an address means, as plain functions: `#/train/curves?arch=resnet20&epochs=5` names a chapter,
// perhaps a section of it (the id of an element), and what a person has set. The part after # never
// reaches a server, so such an address works from any host and folder. The live side, which components
// use, is router.svelte.ts.

export interface Address {
  readonly chapter: string;
  /** Id of the element to show, or ''. */
  readonly section: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Reads the part of an address from # on; undefined for one that names no chapter (`#main`). */
export function parseAddress(hash: string): Address | undefined {
  const text = hash.replace(/^#/, '');
  if (text !== '' && !text.startsWith('/')) return undefined;
  const [path = '', query = ''] = text.split('?', 2);
  const [chapter = '', section = ''] = path.slice(1).split('/').map(decode);
  return { chapter, section, parameters: new Map(new URLSearchParams(query)) };
}

/** The other way: readable, so commas, colons and slashes of values stay as they are. */
export function formatAddress({ chapter, section, parameters }: Address): string {
  const path = [chapter, section].filter((part) => part !== '').map(encodeURIComponent);
  const query = [...parameters].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return `#/${path.join('/')}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/%(2C|3A|2F|40)/g, decodeURIComponent);
}

/** A stray % in a hand-written address is that character. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** How one value stands in the address. */
export interface Field<T> {
  /** What the address leaves out. */
  readonly initial: T;
  /** The value that a text stands for; undefined where it is none, which counts as left out. */
  read(text: string): T | undefined;
  write(value: T): string;
}

/** One of a few words. */
export function oneOf<const T extends string>(
  choices: readonly T[],
  initial: NoInfer<T>,
): Field<T> {
  return {
    initial,
    read: (text) => choices.find((choice) => choice === text),
    write: (value) => value,
  };
}

/** Any text of at most 200 characters. */
export function text(initial = ''): Field<string> {
  return { initial, read: (text) => (text.length <= 200 ? text : undefined), write: String };
}

/** A number from `min` to `max`; with `whole` only integers. */
export function number(
  initial: number,
  { min = -Infinity, max = Infinity, whole = false } = {},
): Field<number> {
  return {
    initial,
    read(text) {
      const value = text.trim() === '' ? Number.NaN : Number(text);
      const isFit = value >= min && value <= max && (!whole || Number.isInteger(value));
      return isFit ? value : undefined;
    },
    write: String,
  };
}

/** Yes or no, as 1 or 0. */
export function flag(initial = false): Field<boolean> {
  return {
    initial,
    read: (text) => (text === '1' ? true : text === '0' ? false : undefined),
    write: (value) => (value ? '1' : '0'),
  };
}

/** Several values of one kind, with commas between them; those that are no value are left out. */
export function listOf<T>(item: Field<T>, initial: readonly T[] = []): Field<readonly T[]> {
  return {
    initial,
    read: (text) =>
      text === ''
        ? []
        : text.split(',').flatMap((part) => {
            const value = item.read(part.replace(/%2C/g, ',').replace(/%25/g, '%'));
            return value === undefined ? [] : [value];
          }),
    write: (values) => values.map((value) => withoutCommas(item.write(value))).join(','),
  };
}

function withoutCommas(text: string): string {
  return text.replace(/%/g, '%25').replace(/,/g, '%2C');
}
