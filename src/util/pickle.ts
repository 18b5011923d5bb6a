// A restricted reader of Python pickles. A pickle is a program for a small stack machine, and two of
// its instructions (REDUCE, INST/OBJ/NEWOBJ) call whatever function the file names: loading one with
// Python runs it. This machine has no functions of its own. A name in the file is looked up in the
// caller's allow-list and anything else is refused by name before the file goes on; what an allowed
// name does is TypeScript the caller wrote. Nothing in a file can grow memory beyond a small multiple
// of its own size.
//
// Protocols 0 to 5 as CPython's pickle and torch.save write them. Values arrive as: None null, bool
// boolean, int number (bigint beyond 2^53), float number, str string, bytes Uint8Array (a view of the
// input), list and tuple Array, dict Map, set Set. Python 2's `str`, which may be either, is decided
// by `encoding`.

import { UserError } from './errors.ts';
import {
  LITERALS,
  latin1,
  PickleBytes,
  type Python2Encoding,
  unreadablePickle,
} from './pickle-bytes.ts';

/** What an allowed global name stands for. Without `call` it is only a marker (a class, a dtype). */
export interface PickleCallable {
  /** `module.name`, for messages and for the caller to recognise it by. */
  readonly name: string;
  /** Stands in for the Python function or constructor. */
  readonly call?: (args: readonly unknown[]) => unknown;
}

export interface PickleHandlers {
  /** The allow-list: undefined refuses the file. */
  resolveGlobal(module: string, name: string): PickleCallable | undefined;
  /** `obj.__setstate__(state)`; returns the object to go on with. Without it BUILD is refused. */
  build?(object: unknown, state: unknown): unknown;
  /** Resolves persistent ids (PyTorch's storages). Without it they are refused. */
  persistentLoad?(id: unknown): unknown;
  /**
   * What Python 2's `str` becomes: 'latin1' strings (the default), or 'bytes'. As dictionary keys
   * they are strings either way, since a Map would compare byte arrays by identity.
   */
  readonly encoding?: Python2Encoding;
}

/** Open MARKs at one time; real files need about ten. */
const MAX_DEPTH = 1000;

/**
 * Longest dictionary key or global name given as bytes: the memo can name the same bytes many times
 * and each time we copy them.
 */
const MAX_NAME_BYTES = 65536;

const PROTOCOL = 5;

/**
 * Runs one pickle.
 * @param bytes begins with the pickle; what follows its STOP is left alone (legacy PyTorch files hold
 * several pickles in a row)
 * @returns the value and how many bytes the pickle took
 * @throws UserError for anything malformed, too deep, or not on the caller's allow-list
 */
export function readPickle(
  bytes: Uint8Array,
  handlers: PickleHandlers,
): { value: unknown; bytesRead: number } {
  const input = new PickleBytes(bytes);
  const machine = new PickleMachine(input, handlers);
  for (;;) {
    const opcode = input.uint8();
    if (opcode === STOP) return { value: machine.result(), bytesRead: input.position };
    machine.execute(opcode);
  }
}

const STOP = 0x2e;

class PickleMachine {
  readonly #input: PickleBytes;
  readonly #handlers: PickleHandlers;
  readonly #memo = new Map<string, unknown>();
  readonly #marks: number[] = [];
  readonly #stack: unknown[] = [];

  constructor(input: PickleBytes, handlers: PickleHandlers) {
    this.#input = input;
    this.#handlers = handlers;
  }

  result(): unknown {
    return this.#pop();
  }

  /** One instruction other than STOP. */
  execute(opcode: number): void {
    const input = this.#input;
    const name = String.fromCharCode(opcode);
    const literal = LITERALS.get(name);
    if (literal !== undefined) {
      this.#push(literal(input, this.#handlers.encoding ?? 'latin1'));
      return;
    }
    switch (name) {
      case '\x80': {
        const protocol = input.uint8();
        if (protocol > PROTOCOL) throw unreadablePickle(`protocol ${protocol} is unknown`);
        break;
      }
      case '\x95': // FRAME: its length only helps readers that buffer
        input.length64();
        break;

      // Containers.
      case '(':
        if (this.#marks.length >= MAX_DEPTH) throw unreadablePickle('it is nested too deeply');
        this.#marks.push(this.#stack.length);
        break;
      case 'l':
      case 't':
        this.#push(this.#popToMark());
        break;
      case 'd':
        this.#push(setItems(new Map(), this.#popToMark()));
        break;
      case '\x91':
        this.#push(new Set(this.#popToMark()));
        break;
      case '\x85':
        this.#push(this.#popMany(1));
        break;
      case '\x86':
        this.#push(this.#popMany(2));
        break;
      case '\x87':
        this.#push(this.#popMany(3));
        break;
      case 'a':
        this.#fill(this.#popMany(1), appendItems);
        break;
      case 'e':
        this.#fill(this.#popToMark(), appendItems);
        break;
      case 's':
        this.#fill(this.#popMany(2), setItems);
        break;
      case 'u':
        this.#fill(this.#popToMark(), setItems);
        break;
      case '\x90':
        this.#fill(this.#popToMark(), addItems);
        break;

      // The stack and the memo.
      case '0':
        // POP also discards a MARK when one is on top.
        if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
        else this.#pop();
        break;
      case '1':
        this.#popToMark();
        break;
      case '2':
        this.#push(this.#top());
        break;
      case 'g':
        this.#recall(input.line());
        break;
      case 'h':
        this.#recall(String(input.uint8()));
        break;
      case 'j':
        this.#recall(String(input.uint32()));
        break;
      case 'p':
        this.#memo.set(input.line(), this.#top());
        break;
      case 'q':
        this.#memo.set(String(input.uint8()), this.#top());
        break;
      case 'r':
        this.#memo.set(String(input.uint32()), this.#top());
        break;
      case '\x94':
        this.#memo.set(String(this.#memo.size), this.#top());
        break;

      // Names, calls and state: everything that could run code in Python.
      case 'c':
        this.#push(this.#global(input.line(), input.line()));
        break;
      case '\x93': {
        const [module, name] = this.#popMany(2);
        this.#push(this.#global(asText(module), asText(name)));
        break;
      }
      case 'R':
      case '\x81': {
        const [callable, args] = this.#popMany(2);
        this.#push(call(callable, args));
        break;
      }
      case '\x92': {
        const [callable, args, keywords] = this.#popMany(3);
        if (!(keywords instanceof Map) || keywords.size > 0) {
          throw unreadablePickle('a constructor with keyword arguments');
        }
        this.#push(call(callable, args));
        break;
      }
      case 'i': {
        const callable = this.#global(input.line(), input.line());
        this.#push(call(callable, this.#popToMark()));
        break;
      }
      case 'o': {
        const [callable, ...args] = this.#popToMark();
        this.#push(call(callable, args));
        break;
      }
      case 'b': {
        const [object, state] = this.#popMany(2);
        if (this.#handlers.build === undefined) {
          throw unreadablePickle('it sets the state of an object, which is not expected here');
        }
        this.#push(this.#handlers.build(object, state));
        break;
      }
      case 'P':
        this.#push(this.#persistent(input.line()));
        break;
      case 'Q':
        this.#push(this.#persistent(this.#pop()));
        break;

      default: {
        // EXT1-4 (registered extensions) and out-of-band buffers mean something only to the process
        // that wrote them.
        const where = `0x${opcode.toString(16).padStart(2, '0')} at byte ${input.position - 1}`;
        throw unreadablePickle(`unknown instruction ${where}`);
      }
    }
  }

  #push(value: unknown): void {
    this.#stack.push(value);
  }

  /** Lowest stack height that an instruction may pop to: what lies under a MARK is out of reach. */
  #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }

  #pop(): unknown {
    return this.#popMany(1)[0];
  }

  #popMany(count: number): unknown[] {
    const start = this.#stack.length - count;
    if (start < this.#floor()) throw unreadablePickle('it takes a value from an empty stack');
    return this.#stack.splice(start);
  }

  #popToMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw unreadablePickle('it closes a group that was never opened');
    return this.#stack.splice(mark);
  }

  #top(): unknown {
    if (this.#stack.length <= this.#floor()) {
      throw unreadablePickle('it takes a value from an empty stack');
    }
    return this.#stack.at(-1);
  }

  #recall(index: string): void {
    if (!this.#memo.has(index)) throw unreadablePickle(`it refers to value ${index}, never stored`);
    this.#push(this.#memo.get(index));
  }

  /** Puts items into the container that lies under them. */
  #fill(items: readonly unknown[], into: (target: unknown, items: readonly unknown[]) => void) {
    into(this.#top(), items);
  }

  #global(module: string, name: string): PickleCallable {
    const resolved = this.#handlers.resolveGlobal(module, name);
    if (resolved === undefined) {
      const shown = `${module}.${name}`.slice(0, 200);
      throw new UserError(`the file asks to run ${shown}, which is not allowed`);
    }
    return resolved;
  }

  #persistent(id: unknown): unknown {
    if (this.#handlers.persistentLoad === undefined) {
      throw unreadablePickle('it refers to data stored elsewhere, which is not expected here');
    }
    return this.#handlers.persistentLoad(id);
  }
}

function isCallable(value: unknown): value is PickleCallable {
  return (
    typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
  );
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array && value.length <= MAX_NAME_BYTES) return latin1(value);
  throw unreadablePickle('a name that is not a short string');
}

function appendItems(list: unknown, items: readonly unknown[]): void {
  if (!Array.isArray(list)) throw unreadablePickle('it appends to what is not a list');
  for (const item of items) list.push(item);
}

function addItems(set: unknown, items: readonly unknown[]): void {
  if (!(set instanceof Set)) throw unreadablePickle('it adds items to what is not a set');
  for (const item of items) set.add(item);
}

function setItems(target: unknown, pairs: readonly unknown[]): Map<unknown, unknown> {
  if (!(target instanceof Map)) throw unreadablePickle('it sets items of what is not a dictionary');
  if (pairs.length % 2 !== 0) throw unreadablePickle('a dictionary key without its value');
  for (let i = 0; i < pairs.length; i += 2) {
    const key = pairs[i];
    target.set(key instanceof Uint8Array ? asText(key) : key, pairs[i + 1]);
  }
  return target;
}

function call(callable: unknown, args: unknown): unknown {
  if (!isCallable(callable)) throw unreadablePickle('it calls what is not a function');
  if (callable.call === undefined) {
    throw new UserError(`the file asks to call ${callable.name}, which is not allowed`);
  }
  if (!Array.isArray(args)) throw unreadablePickle('it calls a function without arguments');
  return callable.call(args);
}
