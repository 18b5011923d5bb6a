// What stands in an address, and that nothing typed into one can break the page.

import { describe, expect, test } from 'vitest';
import {
  flag,
  formatAddress,
  listOf,
  number,
  oneOf,
  parseAddress,
  text,
} from '../../../src/web/shared/address.ts';

describe('an address', () => {
  test('names a chapter, a section of it and what was set', () => {
    expect(parseAddress('#/train/curves?arch=resnet20&recipe=fast')).toEqual({
      chapter: 'train',
      section: 'curves',
      parameters: new Map([
        ['arch', 'resnet20'],
        ['recipe', 'fast'],
      ]),
    });
  });

  test('without anything is the beginning', () => {
    const beginning = { chapter: '', section: '', parameters: new Map() };
    for (const hash of ['', '#', '#/']) expect(parseAddress(hash)).toEqual(beginning);
  });

  test('that is the name of an element on the page is none', () => {
    expect(parseAddress('#main')).toBeUndefined();
  });

  test.each([
    ['#/', '#/'],
    ['#/train', '#/train'],
    ['#/train/curves?a=1', '#/train/curves?a=1'],
    ['#/train?data=synthetic:train=5,seed=2', '#/train?data=synthetic:train%3D5,seed%3D2'],
    ['#/train?a=one%20two%26three', '#/train?a=one%20two%26three'],
  ])('%s is read and written again', (hash, written) => {
    const address = parseAddress(hash)!;
    expect(formatAddress(address)).toBe(written);
    expect(parseAddress(written)).toEqual(address);
  });

  test('with a broken escape is read as it stands', () => {
    expect(parseAddress('#/tr%ain')?.chapter).toBe('tr%ain');
  });
});

describe('a field', () => {
  test.each([
    ['a word', oneOf(['A', 'B'], 'A'), 'B', 'B'],
    ['a number', number(1, { min: 0, max: 5 }), '2.5', 2.5],
    ['a whole number', number(1, { whole: true }), '7', 7],
    ['a switch', flag(), '1', true],
    ['a text', text(), 'cifar10', 'cifar10'],
    ['a list', listOf(number(0)), '1,2', [1, 2]],
    ['a list of names', listOf(text()), 'a%2C b,5 %25', ['a, b', '5 %']],
    ['an empty list', listOf(number(0), [3]), '', []],
  ] as const)('reads %s and writes it again', (_, field, written, value) => {
    expect(field.read(written)).toEqual(value);
    expect((field.write as (value: unknown) => string)(value)).toBe(written);
  });

  test.each([
    ['a word that is not there', oneOf(['A', 'B'], 'A'), 'C'],
    ['a number out of range', number(1, { max: 5 }), '6'],
    ['a broken number', number(1, { whole: true }), '1.5'],
    ['no number', number(1), 'x'],
    ['nothing for a number', number(1), ''],
    ['a number without end', number(1, { max: 10 }), 'Infinity'],
    ['a switch that says yes', flag(), 'yes'],
    ['a text past all reason', text(), 'x'.repeat(201)],
  ] as const)('does not take %s', (_, field, written) => {
    expect(field.read(written)).toBeUndefined();
  });

  test('takes of a list what is right in it', () => {
    expect(listOf(oneOf(['a', 'b'], 'a')).read('b,c,a')).toEqual(['b', 'a']);
  });
});
