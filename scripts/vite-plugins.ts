// What the page's build does beyond Vite's own: formulas become MathML, so that nothing of a formula
// library is loaded; and the built page says that it asks no other host for anything.

import temml from 'temml';
import type { Plugin } from 'vite';

/** With these a page may share memory with its workers. */
export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
} as const;

/**
 * 'wasm-unsafe-eval' is what compiling WebAssembly is called; blob: images and addresses are
 * pictures and downloads that the page itself makes.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "img-src 'self' blob: data:",
  "connect-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Writes the policy into the built page. While developing, Vite's own scripts would break it. */
export function contentSecurityPolicy(): Plugin {
  return {
    name: 'table6:content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: CONTENT_SECURITY_POLICY },
        injectTo: 'head-prepend',
      },
    ],
  };
}

const FORMULA = /\btex(Block)?`([^`]*)`/g;

/** Replaces the formulas that shared/tex.ts describes by strings of MathML. */
export function mathematics(): Plugin {
  return {
    name: 'table6:mathematics',
    enforce: 'pre',
    transform(code, id) {
      const isOurs = /\.(svelte|ts)$/.test(id) && !id.includes('/node_modules/');
      if (!isOurs || id.endsWith('/shared/tex.ts')) return;
      if (!/\btex(Block)?`/.test(code)) return;
      const replaced = code.replace(FORMULA, (_, block: string | undefined, source: string) =>
        JSON.stringify(renderFormula(source, block !== undefined)),
      );
      return { code: replaced, map: null };
    },
  };
}

/**
 * A formula as MathML, without style attributes, which the page's security policy forbids.
 * @throws what the TeX reader finds wrong
 */
export function renderFormula(source: string, isBlock: boolean): string {
  const options = { displayMode: isBlock, throwOnError: true, annotate: false };
  return temml.renderToString(source, options).replace(/ style="[^"]*"/g, '');
}
