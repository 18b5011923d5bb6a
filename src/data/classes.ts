// The classes of weights beside those of images. Programs number classes by themselves, often in the order of
// the alphabet, so the same names may come in another order; and a network that is asked for the wrong
// ones looks as if it were bad.

/** How the classes of images fit those of weights. */
export type ClassMatch =
  | { readonly kind: 'same' }
  /** The same names in another order: for each class of the images, which of the weights' it is. */
  | { readonly kind: 'reordered'; readonly order: readonly number[] }
  /** The first class whose name is another one. */
  | { readonly kind: 'different'; readonly at: number };

/** Compares class names, which are equally many. */
export function matchClasses(weights: readonly string[], images: readonly string[]): ClassMatch {
  const ofWeights = weights.map(comparable);
  const ofImages = images.map(comparable);
  const at = ofImages.findIndex((name, label) => name !== ofWeights[label]);
  if (at < 0) return { kind: 'same' };
  const order = ofImages.map((name) => ofWeights.indexOf(name));
  const isComplete = !order.includes(-1) && new Set(order).size === weights.length;
  return isComplete ? { kind: 'reordered', order } : { kind: 'different', at };
}

/** Names differ in case, in how accents are composed, and in what stands for a space. */
function comparable(name: string): string {
  return name
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\s_-]+/g, ' ')
    .trim();
}
