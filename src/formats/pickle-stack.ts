// What a pickle's instructions work on, the stack with its marks and the memo, and those instructions
// that only move values between them and containers. Nothing can be taken from under a mark, from an
// empty stack or from a memo that does not hold it.

import { COST, type DecodeBudget } from './budget.ts';
import { asName, type PickleBytes, unreadablePickle } from './pickle-bytes.ts';
import { PickledObject } from './pickle-object.ts';

/** Open marks at one time; real files need about ten. */
const MAX_DEPTH = 1000;

export class PickleStack {
  readonly budget: DecodeBudget;
  readonly #values: unknown[] = [];
  /** Heights of the stack at which a group was opened. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<string, unknown>();

  /** @param budget of the file */
  constructor(budget: DecodeBudget) {
    this.budget = budget;
  }

  push(value: unknown): void {
    this.budget.spend(COST.place);
    this.#values.push(value);
  }

  top(): unknown {
    if (this.#values.length <= this.#floor()) throw empty();
    return this.#values.at(-1);
  }

  pop(): unknown {
    return this.popMany(1)[0];
  }

  /** @returns the last `count` values, the lowest first */
  popMany(count: number): unknown[] {
    const start = this.#values.length - count;
    if (start < this.#floor()) throw empty();
    return this.#values.splice(start);
  }

  /** Opens a group. */
  mark(): void {
    if (this.#marks.length >= MAX_DEPTH) throw unreadablePickle('it is nested too deeply');
    this.#marks.push(this.#values.length);
  }

  /** Closes the last group. @returns its values */
  popToMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw unreadablePickle('it closes a group that was never opened');
    return this.#values.splice(mark);
  }

  /** Drops the top value, or the last mark where that is on top. */
  drop(): void {
    if (this.#marks.at(-1) === this.#values.length) this.#marks.pop();
    else this.pop();
  }

  /** Stores the top value in the memo, by default under the next number. */
  memoize(index = String(this.#memo.size)): void {
    this.budget.spend(COST.entry);
    this.#memo.set(index, this.top());
  }

  /** Pushes a value of the memo. */
  recall(index: string): void {
    if (!this.#memo.has(index)) throw unreadablePickle(`it refers to value ${index}, never stored`);
    this.push(this.#memo.get(index));
  }

  /** Lowest height that may be popped to: what lies under a mark is out of reach. */
  #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }
}

function empty(): Error {
  return unreadablePickle('it takes a value from an empty stack');
}

type Instruction = (stack: PickleStack, input: PickleBytes) => void;

/** By opcode character. */
export const STACK_INSTRUCTIONS: ReadonlyMap<string, Instruction> = new Map<string, Instruction>([
  // MARK, POP, POP_MARK, DUP.
  ['(', (stack) => stack.mark()],
  ['0', (stack) => stack.drop()],
  ['1', (stack) => stack.popToMark()],
  ['2', (stack) => stack.push(stack.top())],
  // New containers: LIST, TUPLE, TUPLE1 to 3, DICT, FROZENSET.
  ['l', (stack) => pushList(stack, stack.popToMark())],
  ['t', (stack) => pushList(stack, stack.popToMark())],
  ['\x85', (stack) => pushList(stack, stack.popMany(1))],
  ['\x86', (stack) => pushList(stack, stack.popMany(2))],
  ['\x87', (stack) => pushList(stack, stack.popMany(3))],
  ['d', (stack) => fillNew(stack, new Map(), setItems)],
  ['\x91', (stack) => fillNew(stack, new Set(), addItems)],
  // Into the container that lies under the items: APPEND, APPENDS, SETITEM, SETITEMS, ADDITEMS.
  ['a', (stack) => into(stack, appendItems, stack.popMany(1))],
  ['e', (stack) => into(stack, appendItems, stack.popToMark())],
  ['s', (stack) => into(stack, setItems, stack.popMany(2))],
  ['u', (stack) => into(stack, setItems, stack.popToMark())],
  ['\x90', (stack) => into(stack, addItems, stack.popToMark())],
  // From the memo and to it: GET, BINGET, LONG_BINGET, PUT, BINPUT, LONG_BINPUT, MEMOIZE.
  ['g', (stack, input) => stack.recall(input.line())],
  ['h', (stack, input) => stack.recall(String(input.uint8()))],
  ['j', (stack, input) => stack.recall(String(input.uint32()))],
  ['p', (stack, input) => stack.memoize(input.line())],
  ['q', (stack, input) => stack.memoize(String(input.uint8()))],
  ['r', (stack, input) => stack.memoize(String(input.uint32()))],
  ['\x94', (stack) => stack.memoize()],
]);

type Fill = (container: unknown, items: readonly unknown[], budget: DecodeBudget) => void;

function pushList(stack: PickleStack, items: unknown[]): void {
  stack.budget.spend(COST.object);
  stack.push(items);
}

function fillNew(stack: PickleStack, container: unknown, fill: Fill): void {
  const items = stack.popToMark();
  stack.budget.spend(COST.view);
  fill(container, items, stack.budget);
  stack.push(container);
}

function into(stack: PickleStack, fill: Fill, items: readonly unknown[]): void {
  fill(stack.top(), items, stack.budget);
}

function appendItems(target: unknown, items: readonly unknown[], budget: DecodeBudget): void {
  const list = target instanceof PickledObject ? target.items : target;
  if (!Array.isArray(list)) throw unreadablePickle('it appends to what is not a list');
  budget.spend(COST.place * items.length);
  for (const item of items) list.push(item);
}

function addItems(set: unknown, items: readonly unknown[], budget: DecodeBudget): void {
  if (set instanceof PickledObject) {
    appendItems(set, items, budget);
    return;
  }
  if (!(set instanceof Set)) throw unreadablePickle('it adds items to what is not a set');
  for (const item of items) {
    budget.spend(entryCost(item, set.size));
    set.add(item);
  }
}

function setItems(container: unknown, pairs: readonly unknown[], budget: DecodeBudget): void {
  const target = container instanceof PickledObject ? container.entries : container;
  if (!(target instanceof Map)) throw unreadablePickle('it sets items of what is not a dictionary');
  if (pairs.length % 2 !== 0) throw unreadablePickle('a dictionary key without its value');
  for (let i = 0; i < pairs.length; i += 2) {
    const key = pairs[i];
    budget.spend(entryCost(key, target.size));
    target.set(key instanceof Uint8Array ? asName(key, budget) : key, pairs[i + 1]);
  }
}

/**
 * A file can choose numbers that a hash table takes for one another, which makes each new one wait for all
 * before it; names it cannot, since the host hashes them with a secret.
 */
function entryCost(key: unknown, size: number): number {
  return COST.entry + (typeof key === 'string' ? 0 : size >> 4);
}
