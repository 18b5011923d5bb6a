// Formulas in TeX. The build (scripts/vite-plugins.ts) replaces every tex`...` by its MathML, so a
// reader loads neither a formula library nor fonts. In a component:
//
//   {@html tex`\mathbf y = \mathcal F(\mathbf x) + \mathbf x`}

/** A formula within a line. */
export function tex(source: TemplateStringsArray): string {
  throw unreplaced(source);
}

/** A formula on a line of its own. */
export function texBlock(source: TemplateStringsArray): string {
  throw unreplaced(source);
}

function unreplaced(source: TemplateStringsArray): Error {
  return new Error(`The build has not replaced the formula ${source.raw.join('')}.`);
}
