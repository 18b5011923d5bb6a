// What decoding one file may cost. A few bytes of a file can ask for much: a long name recalled a thousand
// times, a storage that thousands of tensors share, an array of empty dictionaries. So whoever makes
// something while decoding says here about how many bytes of memory that takes, and a file may have a small
// multiple of its own size, whatever it consists of. Work is bounded with it, since nothing that takes long
// is done without making, copying or checking bytes.

import { UserError } from '../util/errors.ts';

/** What the values in a file may become: bytes become float32. */
const CONTENT_FOR_EACH = 4;
/** What else is made of a file: names, lists, dictionaries, views. */
const REST_FOR_EACH = 8;
/** For small files, whose containers weigh more than their content. */
const ALLOWANCE = 4 * 2 ** 20;

/** About what the host takes for a value, beside its content. */
export const COST = {
  /** A place in a list, on a stack or in a memo. */
  place: 8,
  /** An object, a short string, an array. */
  object: 32,
  /** An entry of a dictionary or of a memo. */
  entry: 64,
  /** A view of bytes, or an empty dictionary. */
  view: 200,
  /** What a pickle asks to be made, with room for its entries and items. */
  pickled: 400,
  /** A tensor with its name, shape and buffer. */
  tensor: 1024,
} as const;

export class DecodeBudget {
  #content: number;
  #rest: number;
  readonly #refuse: (reason: string) => UserError;

  /**
   * @param fileBytes size of the file that is decoded
   * @param refuse makes a sentence of a reason such as "it unpacks to more than ..."
   */
  constructor(fileBytes: number, refuse = (reason: string) => new UserError(reason)) {
    this.#content = CONTENT_FOR_EACH * fileBytes;
    this.#rest = ALLOWANCE + REST_FOR_EACH * fileBytes;
    this.#refuse = refuse;
  }

  /**
   * Before something is made.
   * @param bytes about what it takes
   * @throws UserError if the file has asked for too much
   */
  spend(bytes: number): void {
    this.#rest -= bytes;
    if (!(this.#rest >= 0)) throw this.#exceeded();
  }

  /** The same for the values of a tensor, which are most of a file that is meant well. */
  spendContent(bytes: number): void {
    this.#content -= bytes;
    if (!(this.#content >= 0)) throw this.#exceeded();
  }

  #exceeded(): UserError {
    return this.#refuse('it unpacks to far more than its size, as no file does that is meant well');
  }
}
