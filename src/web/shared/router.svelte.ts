// Where the reader is, live: the address as Svelte state, and the part of it that a chapter owns as an
// object with typed properties. A component declares what it keeps in the address once:
//
//   const state = addressState('train', {
//     arch: oneOf(['resnet20', 'resnet56'], 'resnet20'),
//     epochs: number(10, { min: 1, max: 200, whole: true }),
//   });
//
//   state.arch                 a value; what reads it is told when the address changes
//   state.arch = 'resnet56'    replaces the address (no new step in the browser's history)
//   hrefOf('train', { arch: 'resnet56' })   an address of another place, for a link
//
// What the address does not say, or says wrongly, is the field's `initial`; a value that is the initial
// one is left out. So an address is short, and a link reproduces what its sender saw.

import type { ChapterId } from '../chapter-id.ts';
import { type Address, type Field, formatAddress, parseAddress } from './address.ts';

let current = $state.raw<Address>(parseAddress(location.hash) ?? parseAddress('')!);
/** What was set in the chapters that were left, so that coming back finds it. */
const left = new Map<string, ReadonlyMap<string, string>>();

addEventListener('hashchange', () => {
  const address = parseAddress(location.hash);
  if (address) move(address);
});

function move(address: Address) {
  left.set(current.chapter, current.parameters);
  current = address;
}

/** Where the reader is now; reading it in a component keeps that up to date. */
export function here(): Address {
  return current;
}

/**
 * The address of a chapter, or of a section of it.
 * @param parameters what the chapter shall show (as `Field.write` writes it); by default what it showed
 *   when it was left
 */
export function hrefOf(
  chapter: ChapterId,
  parameters?: Readonly<Record<string, string>>,
  section = '',
): string {
  const kept = chapter === current.chapter ? current.parameters : left.get(chapter);
  const values = parameters ? new Map(Object.entries(parameters)) : (kept ?? new Map());
  return formatAddress({ chapter, section, parameters: values });
}

/** Goes there, as a click on a link would. */
export function goTo(href: string): void {
  location.hash = href;
}

type Fields = Readonly<Record<string, Field<unknown>>>;
type Values<F extends Fields> = { -readonly [K in keyof F]: F[K]['initial'] };

/** The values that a chapter keeps in the address; see the beginning of this file. */
export function addressState<F extends Fields>(chapter: ChapterId, fields: F): Values<F> {
  const state = {};
  for (const [name, field] of Object.entries(fields)) {
    Object.defineProperty(state, name, {
      enumerable: true,
      get: () => valueIn(parametersOf(chapter), name, field),
      set: (value: unknown) => write(chapter, name, field, value),
    });
  }
  return state as Values<F>;
}

function parametersOf(chapter: ChapterId): ReadonlyMap<string, string> {
  return (isHere(chapter) ? current.parameters : left.get(chapter)) ?? new Map();
}

/** An address without a chapter shows the first one. */
function isHere(chapter: ChapterId): boolean {
  return current.chapter === chapter || (current.chapter === '' && chapter === 'why');
}

function valueIn(parameters: ReadonlyMap<string, string>, name: string, field: Field<unknown>) {
  const text = parameters.get(name);
  return text === undefined ? field.initial : (field.read(text) ?? field.initial);
}

function write(chapter: ChapterId, name: string, field: Field<unknown>, value: unknown): void {
  const parameters = new Map(parametersOf(chapter));
  const text = field.write(value);
  if (text === field.write(field.initial)) parameters.delete(name);
  else parameters.set(name, text);
  if (!isHere(chapter)) {
    left.set(chapter, parameters);
    return;
  }
  current = { chapter, section: current.section, parameters };
  history.replaceState(history.state, '', formatAddress(current));
}
