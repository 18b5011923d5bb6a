// Formulas become MathML while the page is built.

import { expect, test } from 'vitest';
import { mathematics, renderFormula } from '../../scripts/vite-plugins.ts';

function transformed(code: string, id = '/src/web/chapters/why/Chapter.svelte'): unknown {
  const { transform } = mathematics() as { transform(code: string, id: string): unknown };
  return transform(code, id);
}

test('a formula in a component is a string of MathML afterwards', () => {
  const { code } = transformed('<p>{@html tex`y = x`}</p>') as { code: string };
  expect(code).toMatch(/^<p>\{@html "<math>.*<\/math>"\}<\/p>$/);
  expect(code).not.toContain('tex`');
});

test('one on a line of its own says so', () => {
  const { code } = transformed('{@html texBlock`y`}') as { code: string };
  expect(code).toContain('display=\\"block\\"');
});

test('what has no formula, or is not ours, stays', () => {
  expect(transformed('<p>text</p>')).toBeUndefined();
  expect(transformed('tex`y`', '/node_modules/other/index.ts')).toBeUndefined();
});

test('no style attribute is left, which the page’s security policy forbids', () => {
  expect(renderFormula('\\frac{a}{b} \\mathbf x', true)).not.toContain('style=');
});

test('a formula that is wrong fails the build', () => {
  expect(() => renderFormula('\\frac{a', false)).toThrow();
});
