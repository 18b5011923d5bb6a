// What a PyTorch file holds, as tests look at it: every tensor with its values, under its whole name.

import { readPyTorch } from '../../src/interop/pytorch/read.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';

export function tensorsIn(file: Uint8Array): NamedTensors {
  const { tensors } = readPyTorch(file);
  return new Map(tensors.map(({ name, shape, read }) => [name, { shape, data: read() }]));
}
