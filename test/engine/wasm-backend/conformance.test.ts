import { createWasmBackend } from '../../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../../src/engine/wasm/host.node.ts';
import { describeConformance } from '../../conformance/suite.ts';

// Float32 sums of a few thousand products: about 1e-6, a few times that with F(4×4), whose transforms
// multiply by 4 and 8.
const TOLERANCES = { loss: 1e-5, gradient: 1e-4, state: 1e-5, logits: 1e-5 };

const VARIANTS = [
  { convolution: 'winograd4', multiplyAdd: 'separate' },
  { convolution: 'winograd4', multiplyAdd: 'fused' },
  { convolution: 'winograd2', multiplyAdd: 'separate' },
  { convolution: 'direct', multiplyAdd: 'separate' },
] as const;

for (const { convolution, multiplyAdd } of VARIANTS) {
  const kernels = { multiplyAdd, simdWidth: 256 } as const;
  describeConformance(
    `the wasm backend (${convolution}, ${multiplyAdd})`,
    () => createWasmBackend({ host: createNodeHost(), threads: 2, convolution, kernels }),
    TOLERANCES,
  );
}
