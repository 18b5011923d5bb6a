// The few pickle instructions that a file of weights needs, protocol 2, as torch.save writes them and
// as PyTorch's `weights_only` reader accepts them. Values are written without the memo: nothing in a
// state_dict refers to itself, and reading does not need it.

import { joined } from '../util/bytes.ts';

const encoder = new TextEncoder();

/** Builds a pickle instruction by instruction; every method returns the writer, for chains. */
export class PickleWriter {
  readonly #chunks: Uint8Array[] = [Uint8Array.of(0x80, 2)];

  /** Bytes as they are: instructions that have no method here. */
  raw(...bytes: number[]): this {
    this.#chunks.push(Uint8Array.from(bytes));
    return this;
  }

  /** An instruction with a fixed-size argument. */
  #withArgument(opcode: number, bytes: number, set: (argument: DataView) => void): this {
    const chunk = new Uint8Array(1 + bytes);
    chunk[0] = opcode;
    set(new DataView(chunk.buffer, 1));
    this.#chunks.push(chunk);
    return this;
  }

  mark(): this {
    return this.raw(0x28);
  }

  /** Pushes a tuple of everything since the last mark. */
  tuple(): this {
    return this.raw(0x74);
  }

  emptyTuple(): this {
    return this.raw(0x29);
  }

  emptyDict(): this {
    return this.raw(0x7d);
  }

  /** Stores the key-value pairs since the last mark in the dictionary below it. */
  setItems(): this {
    return this.raw(0x75);
  }

  /** Pushes what `module.name` stands for. */
  global(module: string, name: string): this {
    this.#chunks.push(encoder.encode(`c${module}\n${name}\n`));
    return this;
  }

  /** Calls the function below the tuple on top with it. */
  reduce(): this {
    return this.raw(0x52);
  }

  /** Gives the object below it the attributes in the dictionary on top. */
  build(): this {
    return this.raw(0x62);
  }

  /** Replaces the id on top with what it refers to. */
  persistentId(): this {
    return this.raw(0x51);
  }

  boolean(value: boolean): this {
    return this.raw(value ? 0x88 : 0x89);
  }

  string(text: string): this {
    const bytes = encoder.encode(text);
    this.#withArgument(0x58, 4, (view) => view.setUint32(0, bytes.length, true));
    this.#chunks.push(bytes);
    return this;
  }

  /** A number: an integer where it is one, a float otherwise. */
  number(value: number): this {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      return this.#withArgument(0x47, 8, (view) => view.setFloat64(0, value));
    }
    if (value >= 0 && value < 256) return this.raw(0x4b, value);
    if (Math.abs(value) >= 2 ** 31) return this.long(BigInt(value));
    return this.#withArgument(0x4a, 4, (view) => view.setInt32(0, value, true));
  }

  /** An integer of up to 128 bits (LONG1). */
  long(value: bigint): this {
    return this.#withArgument(0x8a, 17, (view) => {
      view.setUint8(0, 16);
      view.setBigUint64(1, BigInt.asUintN(64, value), true);
      view.setBigInt64(9, BigInt.asIntN(64, value >> 64n), true);
    });
  }

  /** A tuple of numbers. */
  numbers(values: readonly number[]): this {
    this.mark();
    for (const value of values) this.number(value);
    return this.tuple();
  }

  /** The whole pickle. */
  finish(): Uint8Array<ArrayBuffer> {
    this.raw(0x2e);
    return joined(this.#chunks);
  }
}
