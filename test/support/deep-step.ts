// One training step of ResNet-1202 on two images: on the float64 oracle, on the CPU engine and on
// another backend. Through 1,201 layers rounding errors grow, and the CPU engine's distance from the
// oracle shows by how much; the other backend has to be about as near.

import { IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import { makeSynthetic } from '../../src/data/synthetic.ts';
import type { Backend } from '../../src/engine/backend.ts';
import { lowerTraining } from '../../src/engine/lower-train.ts';
import { createReferenceBackend } from '../../src/engine/reference/backend.ts';
import { createWasmBackend } from '../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../src/engine/wasm/host.node.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { writeTraining } from '../../src/train/executables.ts';
import type { Precision } from './checks.ts';
import { type Deviation, distance } from './deviations.ts';
import { unmoved } from './golden-steps.ts';

const BATCH = 2;

/** Relative. What feature maps of 11 bits leave of a gradient that went through 1,201 layers. */
const MIXED = { loss: 2e-2, gradient: 1 };

interface DeepStep {
  /** Mean over the images. */
  readonly loss: number;
  readonly gradients: Float32Array;
  readonly seconds: number;
}

async function deepStep(backend: Backend): Promise<DeepStep> {
  const network = createNetwork('resnet1202', { shortcut: 'A' });
  const program = lowerTraining(network, { batchSize: BATCH, memory: 'recompute' });
  // Gradients begin so large here that every greater scale would overflow half precision.
  const executable = await backend.compile(program, { lossScale: { scale: 1, goodSteps: 0 } });
  await writeTraining(executable, initializeWeights(network, 1), IMAGENET_NORMALIZATION);
  const { images, labels } = makeSynthetic(`synthetic:train=${BATCH},test=1`).train;
  const start = performance.now();
  const { lossSum } = await executable.run({
    count: BATCH,
    images,
    labels: Int32Array.from(labels),
    augmentation: unmoved(BATCH),
    sgd: { learningRate: 0.1, momentum: 0.9, weightDecay: 1e-4 },
  });
  const seconds = (performance.now() - start) / 1000;
  const gradients = await executable.read('gradients');
  await executable.dispose();
  return { loss: lossSum / BATCH, gradients, seconds };
}

let references: Promise<{ oracle: DeepStep; engine: DeepStep }> | undefined;

/** The oracle takes minutes, and its step is the same for every backend. */
function deepReferences(): Promise<{ oracle: DeepStep; engine: DeepStep }> {
  references ??= (async () => {
    const cpu = await createWasmBackend({ host: createNodeHost(), threads: 1 });
    const engine = await deepStep(cpu);
    await cpu.dispose();
    return { engine, oracle: await deepStep(createReferenceBackend()) };
  })();
  return references;
}

/** How far a backend is from the oracle, beside how far the CPU engine is. */
export async function compareDeepStep(
  backend: Backend,
  precision: Precision,
): Promise<{ deviations: Deviation[]; note: string }> {
  const actual = await deepStep(backend);
  const { oracle, engine } = await deepReferences();
  const lossOf = ({ loss }: DeepStep) => Math.abs(loss - oracle.loss) / oracle.loss;
  const gradientOf = ({ gradients }: DeepStep) => distance(gradients, oracle.gradients);
  const bounds =
    precision === 'mixed' ? MIXED : { loss: 2 * lossOf(engine), gradient: 2 * gradientOf(engine) };
  const deviations = [
    { what: 'loss', value: lossOf(actual), bound: bounds.loss },
    { what: 'gradient', value: gradientOf(actual), bound: bounds.gradient },
  ];
  const each = { WebGPU: actual, 'CPU engine': engine };
  const facts = Object.entries(each).map(
    ([name, step]) =>
      `${name} ${step.loss.toFixed(4)}, gradient ${gradientOf(step).toPrecision(2)} away, ${step.seconds.toFixed(0)} s`,
  );
  return { deviations, note: `loss of the oracle ${oracle.loss.toFixed(4)}; ${facts.join('; ')}` };
}
