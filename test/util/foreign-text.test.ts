// Text that somebody else wrote does in no medium more than being read.

import { describe, expect, test } from 'vitest';
import {
  csvText,
  jsonText,
  lineText,
  markdownText,
  terminalText,
  xmlText,
} from '../../src/util/foreign-text.ts';

/** Every character below 256, and some that hide or turn what stands beside them. */
const ALL = [
  ...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)),
  ...['\u2028', '\u2029', '\u202e', '\u2066', '\u200f', '\ufeff', '\uffff', '\ud800'],
].join('');

/** What a terminal might obey, or a reader not see. */
const CONTROL = /(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069]/u;

describe('on a terminal', () => {
  test('nothing is obeyed, and what was there can still be read', () => {
    expect(terminalText(ALL)).not.toMatch(CONTROL);
    expect(terminalText('\x1b]0;pwn\x07\x1b[31mred\x9b2J\rover')).toBe(
      '\\x1b]0;pwn\\x07\\x1b[31mred\\x9b2J\\x0dover',
    );
    expect(terminalText('grün 猫 👩‍👩‍👧 e\u0301')).toBe('grün 猫 👩‍👩‍👧 e\u0301');
  });

  test('lines stay lines, but a name is one line', () => {
    expect(terminalText('a\r\nb\tc')).toBe('a\nb\tc');
    expect(lineText('a\nb\tc')).toBe('a\\nb c');
  });

  test('JSON means the same and obeys nothing', () => {
    expect(jsonText({ [ALL]: ALL })).not.toMatch(CONTROL);
    expect(JSON.parse(jsonText({ [ALL]: ALL }))).toEqual({ [ALL]: ALL });
  });
});

test('XML has neither tags, nor an end of an attribute, nor characters that XML has not', () => {
  expect(xmlText(`<script>"&'\x00\x0b\ufffe`)).toBe(
    '&lt;script&gt;&quot;&amp;&#39;\\x00\\x0b\\ufffe',
  );
  expect(xmlText(ALL)).not.toMatch(/[<>"']|&(?!\w+;|#39;)|[\ufffe\uffff]|\p{Cs}/u);
});

test('Markdown has no HTML, link, heading, list or column of its own', () => {
  expect(markdownText('<img src=x>|[a](http://b)*c*`d`_e_~f~#g')).toBe(
    '\\<img src=x\\>\\|\\[a\\](http:\\/\\/b)\\*c\\*\\`d\\`\\_e\\_\\~f\\~\\#g',
  );
  for (const begin of ['- a', '+ a', '1. a', '12) a', '= a', '\n# a']) {
    expect(markdownText(begin)).toContain('\\');
  }
  // A backslash before a digit would be seen.
  expect(markdownText('1. a')).toBe('1\\. a');
  for (const number of ['8.75', '12', '1.5 %']) expect(markdownText(number)).toBe(number);
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '  =1', '\t=1', '\r=1', '＝1'])(
  'a spreadsheet takes %j for text',
  (cell) => {
    expect(csvText(cell)).toMatch(/^['\\]/);
  },
);

test('CSV quotes what would end a cell or a line', () => {
  expect(csvText('a,"b"\nc')).toBe('"a,""b""\\nc"');
  expect(csvText('plain text')).toBe('plain text');
});
