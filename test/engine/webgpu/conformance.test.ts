import { it, vi } from 'vitest';
import { messageOf } from '../../../src/util/errors.ts';
import { CONFORMANCE_CASES } from '../../conformance/cases.ts';
import { describeConformance } from '../../conformance/suite.ts';
import { findTestAdapter, openTestBackend } from './adapter.ts';
import { CONFORMANCE, CONFORMANCE_MIXED } from './tolerances.ts';

// A software adapter compiles each kernel for half a second before the first step.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const adapter = await findTestAdapter();

if (adapter) {
  describeConformance(`the WebGPU backend on ${adapter.name}`, openTestBackend, CONFORMANCE);
  const open = () => openTestBackend({ half: true, tensorCores: 'on' });
  const problem = await open().then((backend) => backend.dispose(), messageOf);
  if (problem === undefined) {
    // Both shortcuts and none, so every shape.
    const cases = CONFORMANCE_CASES.slice(0, 3);
    describeConformance(`${adapter.name}, on tensor cores,`, open, CONFORMANCE_MIXED, cases);
  } else {
    it.skip(`the WebGPU backend agrees with the oracle on tensor cores (${problem})`, () => {});
  }
} else {
  it.skip('the WebGPU backend agrees with the oracle (no adapter: the warning says why)', () => {});
}
