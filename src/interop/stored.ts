// What a file of weights holds before any value is copied out, the same for all formats: tensors under
// names, and the plain values beside them. `select.ts` finds the network among them.

import type { DType } from '../formats/dtypes.ts';

/** A tensor in a file. */
export interface StoredTensor {
  /** The keys that lead to it and its own name, joined by dots: `state_dict.module.conv1.weight`. */
  readonly name: string;
  /** Which dictionary holds it; the tensors of one `state_dict` have the same. */
  readonly group: number;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Its values, row-major. */
  read(): Float32Array;
}

/** Something in a dictionary of tensors that is none: what the file asks to be made there. */
export interface StoredOther {
  readonly name: string;
  readonly group: number;
  readonly global: string;
}

/** A sentence for people about weights. */
export interface WeightsNotice {
  /** Which of the things that a user may say of weights would say it otherwise. */
  readonly about?: 'normalization' | 'shortcut' | 'key';
  /** What may be said instead, where that is known: the networks of a file. */
  readonly choices?: readonly string[];
  readonly text: string;
}

export interface StoredFile {
  /** In the file's order. */
  readonly tensors: readonly StoredTensor[];
  readonly others: readonly StoredOther[];
  /** `epoch`, `best_prec1`, `arch` ... as text. */
  readonly metadata: Readonly<Record<string, string>>;
}
