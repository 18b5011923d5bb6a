// A restricted reader of Python pickles. A pickle is a program for a small stack machine, and two of
// its instructions (REDUCE, INST/OBJ/NEWOBJ) call whatever function the file names: loading one with
// Python runs it. This machine has no functions of its own. A name in the file is looked up in the
// caller's allow-list and anything else is refused by name before the file goes on; what an allowed
// name does is TypeScript the caller wrote. Nothing in a file can grow memory beyond a small multiple
// of its own size (budget.ts).
//
// Protocols 0 to 5 as CPython's pickle and torch.save write them. Values arrive as: None null, bool
// boolean, int number (bigint beyond 2^53), float number, str string, bytes Uint8Array (a view of the
// input), list and tuple Array, dict Map, set Set. Python 2's `str`, which may be either, is decided
// by `encoding`.

import { UserError } from '../util/errors.ts';
import { COST, DecodeBudget } from './budget.ts';
import {
  asName,
  LITERALS,
  literalCost,
  PickleBytes,
  type Python2Encoding,
  unreadablePickle,
} from './pickle-bytes.ts';
import { PickledObject } from './pickle-object.ts';
import { PickleStack, STACK_INSTRUCTIONS } from './pickle-stack.ts';

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

const PROTOCOL = 5;

/**
 * Runs one pickle.
 * @param bytes begins with the pickle; what follows its STOP is left alone (legacy PyTorch files hold
 * several pickles in a row)
 * @param budget of the file, where more of it is decoded than this
 * @returns the value and how many bytes the pickle took
 * @throws UserError for anything malformed, too deep, or not on the caller's allow-list
 */
export function readPickle(
  bytes: Uint8Array,
  handlers: PickleHandlers,
  budget = new DecodeBudget(bytes.length, unreadablePickle),
): { value: unknown; bytesRead: number } {
  const input = new PickleBytes(bytes);
  const machine = new PickleMachine(input, handlers, budget);
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
  readonly #stack: PickleStack;

  constructor(input: PickleBytes, handlers: PickleHandlers, budget: DecodeBudget) {
    this.#input = input;
    this.#handlers = handlers;
    this.#stack = new PickleStack(budget);
  }

  result(): unknown {
    return this.#stack.pop();
  }

  /** One instruction other than STOP. */
  execute(opcode: number): void {
    const input = this.#input;
    const stack = this.#stack;
    const name = String.fromCharCode(opcode);
    const literal = LITERALS.get(name);
    if (literal !== undefined) {
      const value = literal(input, this.#handlers.encoding ?? 'latin1');
      stack.budget.spend(literalCost(value));
      stack.push(value);
      return;
    }
    const instruction = STACK_INSTRUCTIONS.get(name);
    if (instruction !== undefined) {
      instruction(stack, input);
      return;
    }
    switch (name) {
      case '\x80': {
        // PROTO
        const protocol = input.uint8();
        if (protocol > PROTOCOL) throw unreadablePickle(`protocol ${protocol} is unknown`);
        break;
      }
      case '\x95': // FRAME: its length only helps readers that buffer
        input.length64();
        break;

      // Names, calls and state: everything that could run code in Python.
      case 'c': // GLOBAL
        stack.push(this.#global(input.line(), input.line()));
        break;
      case '\x93': {
        // STACK_GLOBAL
        const [module, name] = stack.popMany(2);
        stack.push(this.#global(asName(module, stack.budget), asName(name, stack.budget)));
        break;
      }
      case 'R': // REDUCE
      case '\x81': {
        // NEWOBJ
        const [callable, args] = stack.popMany(2);
        stack.push(this.#call(callable, args));
        break;
      }
      case '\x92': {
        // NEWOBJ_EX
        const [callable, args, keywords] = stack.popMany(3);
        const made = this.#call(callable, args);
        if (!(keywords instanceof Map) || (keywords.size > 0 && !(made instanceof PickledObject))) {
          throw unreadablePickle('a constructor with keyword arguments');
        }
        stack.push(made);
        break;
      }
      case 'i': {
        // INST
        const callable = this.#global(input.line(), input.line());
        stack.push(this.#call(callable, stack.popToMark()));
        break;
      }
      case 'o': {
        // OBJ
        const [callable, ...args] = stack.popToMark();
        stack.push(this.#call(callable, args));
        break;
      }
      case 'b': {
        // BUILD
        const [object, state] = stack.popMany(2);
        if (this.#handlers.build === undefined) {
          throw unreadablePickle('it sets the state of an object, which is not expected here');
        }
        stack.push(this.#handlers.build(object, state));
        break;
      }
      case 'P': // PERSID
        stack.push(this.#persistent(input.line()));
        break;
      case 'Q': // BINPERSID
        stack.push(this.#persistent(stack.pop()));
        break;

      default: {
        // EXT1-4 (registered extensions) and out-of-band buffers mean something only to the process
        // that wrote them.
        const where = `0x${opcode.toString(16).padStart(2, '0')} at byte ${input.position - 1}`;
        throw unreadablePickle(`unknown instruction ${where}`);
      }
    }
  }

  #global(module: string, name: string): PickleCallable {
    // Both are put together and looked up.
    this.#stack.budget.spend(module.length + name.length);
    const resolved = this.#handlers.resolveGlobal(module, name);
    if (resolved === undefined) {
      const shown = `${module}.${name}`.slice(0, 200);
      throw new UserError(`the file asks to run ${shown}, which is not allowed`);
    }
    return resolved;
  }

  #call(callable: unknown, args: unknown): unknown {
    // What an object that is not made would give when it is called is not made either.
    if (callable instanceof PickledObject && Array.isArray(args)) {
      this.#stack.budget.spend(COST.pickled);
      return new PickledObject(callable.global, args);
    }
    if (!isCallable(callable)) throw unreadablePickle('it calls what is not a function');
    if (callable.call === undefined) {
      throw new UserError(`the file asks to call ${callable.name}, which is not allowed`);
    }
    if (!Array.isArray(args)) throw unreadablePickle('it calls a function without arguments');
    return callable.call(args);
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
