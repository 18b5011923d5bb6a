// Counter-based random numbers. A stream is named by (seed, purpose, epoch, index) and every draw is
// a pure function of that name and its position, so the content of a batch does not depend on how
// many draws happened before it, on threads, on the backend or on where a run was resumed.
//
// The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011): the key is (seed, purpose), the counter is (position, index, epoch, 0).

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High 32 bits of the product of two unsigned 32-bit integers. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const middleLow = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(middleLow / 0x10000)) >>> 0;
}

/**
 * One Philox4x32-10 block.
 * @param counter four unsigned 32-bit words
 * @param key two unsigned 32-bit words
 * @returns four unsigned 32-bit words
 */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(M0, c0);
    const low0 = Math.imul(M0, c0) >>> 0;
    const high1 = mulHigh(M1, c2);
    const low1 = Math.imul(M1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** FNV-1a over UTF-16 units: turns the name of a purpose into the second word of the key. */
function hashPurpose(purpose: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < purpose.length; i++) {
    hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193) >>> 0;
  }
  return hash;
}

export interface RandomStream {
  /** The next unsigned 32-bit integer. */
  uint32(): number;
  /** Uniform in [0, 1) with 32 random bits. */
  uniform(): number;
  /** Uniform integer in [0, bound), without modulo bias. */
  integer(bound: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
}

/**
 * The stream named by its arguments. Two streams with different names are independent; the same
 * name always gives the same numbers.
 * @param seed the run's seed, an integer in [0, 2^32)
 * @param purpose what the numbers are for, such as 'shuffle' or 'init/conv1.weight'
 * @param epoch epoch number, or 0
 * @param index position inside the epoch (an image's place), or 0
 */
export function randomStream(seed: number, purpose: string, epoch = 0, index = 0): RandomStream {
  const key = [seed >>> 0, hashPurpose(purpose)] as const;
  let position = 0;
  let block: [number, number, number, number] = [0, 0, 0, 0];
  let spareNormal: number | undefined;
  const uint32 = () => {
    const lane = position & 3;
    if (lane === 0) block = philox4x32([position >>> 2, index >>> 0, epoch >>> 0, 0], key);
    position++;
    return block[lane] as number;
  };
  const uniform = () => uint32() / 4294967296;
  return {
    uint32,
    uniform,
    integer(bound) {
      // Reject the few values that would make some results likelier than others.
      const threshold = (4294967296 - bound) % bound;
      for (;;) {
        const value = uint32();
        if (value >= threshold) return value % bound;
      }
    },
    normal() {
      if (spareNormal !== undefined) {
        const value = spareNormal;
        spareNormal = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      spareNormal = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
  };
}

/** A permutation of 0..count-1 (Fisher-Yates), as a pure function of the stream. */
export function permutation(count: number, random: RandomStream): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    const swap = order[i] as number;
    order[i] = order[j] as number;
    order[j] = swap;
  }
  return order;
}
