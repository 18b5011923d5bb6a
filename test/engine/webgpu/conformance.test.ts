import { it, vi } from 'vitest';
import { describeConformance } from '../../conformance/suite.ts';
import { findTestAdapter, openTestBackend } from './adapter.ts';

// A software adapter compiles each kernel for half a second before the first step.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const adapter = await findTestAdapter();

// As the CPU engine with direct convolutions: float32 sums of a few thousand products.
const TOLERANCES = { loss: 1e-5, gradient: 1e-4, state: 1e-5, logits: 1e-5 };

if (adapter) {
  describeConformance(`the WebGPU backend on ${adapter.name}`, openTestBackend, TOLERANCES);
} else {
  it.skip('the WebGPU backend agrees with the oracle', () => {});
}
