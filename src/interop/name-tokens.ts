// Names of layers as lists of words and numbers: `layer1.0.conv2`, `stage_1_block0_conv2` and
// `Block0/Conv2` say the same to a reader, and so they do here.

/** `layer1.0.conv2` is layer, 1, 0, conv, 2; words in lower case. */
export function tokensOf(path: string): readonly string[] {
  const parts = path.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+/g) ?? [];
  return parts.map((part) => part.toLowerCase());
}

/** How many tokens two names have in common before they differ. */
export function commonTokens(a: readonly string[], b: readonly string[]): number {
  let count = 0;
  while (count < a.length && count < b.length && a[count] === b[count]) count++;
  return count;
}

export function startsWith(tokens: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((token, i) => tokens[i] === token);
}

/** Words that count. */
const ORDINALS: readonly (readonly string[])[] = [
  ['first', 'second', 'third'],
  ['one', 'two', 'three'],
  ['a', 'b', 'c', 'd'],
  ['in', 'out'],
];

/**
 * The order of two names where it is decided by a number (2 before 10), or by a word that counts.
 * @returns negative, zero or positive; undefined where nothing tells
 */
export function byNumber(a: readonly string[], b: readonly string[]): number | undefined {
  const at = commonTokens(a, b);
  const [one, other] = [a[at], b[at]];
  if (one === undefined && other === undefined) return 0;
  // `conv` before `conv2`.
  if (one === undefined || other === undefined) {
    const next = (one ?? other) as string;
    return /^\d+$/.test(next) ? (one === undefined ? -1 : 1) : undefined;
  }
  if (/^\d+$/.test(one) && /^\d+$/.test(other)) return Number(one) - Number(other);
  const words = ORDINALS.find((row) => row.includes(one) && row.includes(other));
  return words && words.indexOf(one) - words.indexOf(other);
}

/** Words that say what kind a layer is, rather than which. */
const KINDS = /^(conv|convs|convolution|cnn|bn|bns|norm|norms|batch|batchnorm|normalization|d)$/;

/** The part of a name that says which layer it is: `conv2` and `bn2` are both 2. */
export function withoutKind(tokens: readonly string[]): readonly string[] {
  return tokens.filter((token) => !KINDS.test(token));
}
