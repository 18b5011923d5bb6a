import { it, vi } from 'vitest';
import { describeConformance } from '../../conformance/suite.ts';
import { findTestAdapter, openTestBackend } from './adapter.ts';
import { CONFORMANCE } from './tolerances.ts';

// A software adapter compiles each kernel for half a second before the first step.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const adapter = await findTestAdapter();

if (adapter) {
  describeConformance(`the WebGPU backend on ${adapter.name}`, openTestBackend, CONFORMANCE);
} else {
  it.skip('the WebGPU backend agrees with the oracle', () => {});
}
