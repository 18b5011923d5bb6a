// Hands out addresses, one after another. The executor's layout is decided by running the same code
// twice: in the main thread, to learn how many bytes are needed, and in each worker, with the bases
// that the main thread chose. The order of requests is the layout.

import { align } from '../../plan.ts';

export class Arena {
  private readonly base: number;
  private next: number;

  constructor(base: number) {
    this.base = base;
    this.next = base;
  }

  /** Reserves bytes and returns their address: no two threads write to one line or its neighbour. */
  allocate(bytes: number): number {
    const address = this.next;
    this.next += align(bytes);
    return address;
  }

  /** Bytes handed out so far. */
  get size(): number {
    return this.next - this.base;
  }
}
