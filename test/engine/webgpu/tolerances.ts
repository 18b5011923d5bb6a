// How far WebGPU may be from the oracle and from PyTorch: the same for every adapter and host.

import type { ConformanceTolerances } from '../../conformance/outcome.ts';
import type { GoldenTolerances } from '../../support/golden-steps.ts';

/** As the CPU engine with direct convolutions: float32 sums of a few thousand products. */
export const CONFORMANCE: ConformanceTolerances = {
  loss: 1e-5,
  gradient: 1e-4,
  state: 1e-5,
  logits: 1e-5,
};

/** Feature maps, and on tensor cores the factors of convolutions as well, rounded to 11 bits. */
export const CONFORMANCE_MIXED: ConformanceTolerances = {
  loss: 2e-2,
  gradient: 0.3,
  state: 5e-2,
  logits: 2e-2,
};

/** The bounds of the CPU engine, and for its reasons (test/engine/wasm-backend/golden.test.ts). */
const FIRST_STEP = { loss: 1e-5, gradient: 3e-3, running: 1e-6, weights: 1, logits: 1e-5 };

/**
 * A software adapter takes seconds for a step, so three steps are compared once, where PyTorch itself
 * is stable.
 */
export const GOLDEN: Readonly<Record<string, GoldenTolerances & { readonly steps: number }>> = {
  'resnet20-pretrained': { ...FIRST_STEP, loss: 1e-4, weights: 1e-3, steps: 3 },
  'resnet20-random': { ...FIRST_STEP, steps: 1 },
  'resnet20-option-b': { ...FIRST_STEP, steps: 1 },
  plain20: { ...FIRST_STEP, gradient: 1e-2, steps: 1 },
};

/** Feature maps rounded to 11 bits. The gradient of plain20 is 0.205 away, those of ResNets under 0.1. */
export const GOLDEN_MIXED: GoldenTolerances = {
  loss: 2e-2,
  gradient: 0.3,
  running: 1e-2,
  weights: 5e-2,
  logits: 2e-2,
};

/** Of published weights' logits, relative, and of their wrong answers and loss on 1,017 images. */
export const PUBLISHED = {
  float32: { logits: 1e-5, wrong: 0, loss: 1e-5 },
  mixed: { logits: 2e-2, wrong: 3, loss: 2e-3 },
} as const;
