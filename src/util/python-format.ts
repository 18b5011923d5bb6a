// Numbers as Python's format strings write them, for logs that are compared with a Python program's.

/** `{:.3f}`: a number that lies exactly between two goes to the even digit, where `toFixed` goes up. */
export function fixed(value: number, digits: number): string {
  // A double has so few digits that those behind a tie are zeros, all of them.
  const [whole = '', fraction = ''] = Math.abs(value).toFixed(100).split('.');
  const isTie = /^50*$/.test(fraction.slice(digits));
  const before = `${whole}${fraction.slice(0, digits)}`;
  if (!isTie || Number(before.at(-1)) % 2 === 1) return value.toFixed(digits);
  const kept = digits === 0 ? whole : `${whole}.${fraction.slice(0, digits)}`;
  return value < 0 ? `-${kept}` : kept;
}

/** `{:.5e}`: two digits in the exponent at least. */
export function scientific(value: number): string {
  return value.toExponential(5).replace(/e([+-])(\d)$/, 'e$10$2');
}
