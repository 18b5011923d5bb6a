// What a pickle asks to be made that this program does not make: the name of a class or function, what
// it would be called with, and what is put into it afterwards. Nothing of it is run or looked up. Files
// of weights are full of such things beside their tensors (argparse.Namespace, Counter, schedulers), and a
// model that was saved whole is nothing else.

export class PickledObject {
  /** `module.name` of the class or function. */
  readonly global: string;
  readonly args: readonly unknown[];
  /** What `__setstate__` or the attributes would be given. */
  state: unknown;
  /** What would be stored under keys in it, as in a dictionary. */
  readonly entries = new Map<unknown, unknown>();
  /** What would be appended or added to it, as to a list or a set. */
  readonly items: unknown[] = [];

  constructor(global: string, args: readonly unknown[]) {
    this.global = global;
    this.args = args;
  }
}
