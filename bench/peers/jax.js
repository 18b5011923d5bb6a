// A peer for the benchmark: jax-js training or evaluating a CIFAR ResNet with its WebAssembly or its
// WebGPU backend. Arrays are counted: `.ref` keeps one that is used again.
//
// usage: node jax.js ARCH train|infer BATCH wasm|webgpu [part of an adapter's name]

import { readFileSync } from 'node:fs';
import {
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  nn,
  numpy as np,
  random,
  tree,
  valueAndGrad,
} from '@jax-js/jax';
import { serve } from '../serve.ts';
import { provideWebGpu } from './webgpu.js';

const [arch, mode, batchText, engine, adapter] = process.argv.slice(2);
const batch = Number(batchText);
const training = mode === 'train';
if (engine === 'webgpu') await provideWebGpu(adapter);
if (!(await init(engine)).includes(engine)) throw new Error(`jax-js has no ${engine} here`);
defaultDevice(engine);

let seed = 1;
const normal = (shape, deviation) => random.normal(random.key(seed++), shape).mul(deviation);
const newLayer = (inputs, outputs) => ({
  weight: normal([outputs, inputs, 3, 3], Math.sqrt(2 / (9 * inputs))),
  gamma: np.ones([outputs]),
  beta: np.zeros([outputs]),
});

const blocksPerStage = (Number(arch.replace('resnet', '')) - 2) / 6;
const strides = [];
const initial = { stem: newLayer(3, 16), blocks: [], linear: normal([64, 10], 0.1) };
let channels = 16;
for (const outputs of [16, 32, 64]) {
  for (let i = 0; i < blocksPerStage; i++) {
    strides.push(i === 0 && outputs > 16 ? 2 : 1);
    initial.blocks.push({ first: newLayer(channels, outputs), second: newLayer(outputs, outputs) });
    channels = outputs;
  }
}

/** Convolution and batch norm; in inference the norm is folded, so only its shift is left. */
function layer(x, { weight, gamma, beta }, stride) {
  const y = lax.convGeneralDilated(
    x,
    weight,
    [stride, stride],
    [
      [1, 1],
      [1, 1],
    ],
  );
  const shape = [1, gamma.shape[0], 1, 1];
  if (!training) {
    gamma.dispose();
    return y.add(beta.reshape(shape));
  }
  const mean = np.mean(y.ref, [0, 2, 3], { keepdims: true });
  const centred = y.sub(mean);
  const variance = np.mean(np.square(centred.ref), [0, 2, 3], { keepdims: true });
  const scale = gamma.reshape(shape).div(np.sqrt(variance.add(1e-5)));
  return centred.mul(scale).add(beta.reshape(shape));
}

function forward({ stem, blocks, linear }, images) {
  let x = nn.relu(layer(images, stem, 1));
  blocks.forEach(({ first, second }, i) => {
    const stride = strides[i];
    const y = layer(nn.relu(layer(x.ref, first, stride)), second, 1);
    if (stride === 2) {
      const [count, width, size] = x.shape;
      // Every second row and column: pairs side by side, the first of each.
      const half = size / 2;
      x = x.reshape([count, width, half, 2, half, 2]).slice([], [], [], 0, [], 0);
      x = np.pad(x, [
        [0, 0],
        [width / 2, width / 2],
        [0, 0],
        [0, 0],
      ]);
    }
    x = nn.relu(y.add(x));
  });
  return np.matmul(np.mean(x, [2, 3]), linear);
}

const images = normal([batch, 3, 32, 32], 1);
const oneHot = np.array(
  Array.from({ length: batch }, (_, i) =>
    Array.from({ length: 10 }, (_, k) => Number(k === i % 10)),
  ),
);
const loss = (parameters, x, y) => {
  const logProbabilities = nn.logSoftmax(forward(parameters, x), -1);
  return np.mean(logProbabilities.mul(y).sum(-1)).mul(-1);
};

const trainStep = jit((parameters, velocity, x, y) => {
  const [value, gradients] = valueAndGrad(loss)(tree.ref(parameters), x, y);
  const moved = tree.map((v, g) => v.mul(0.9).add(g), velocity, gradients);
  const next = tree.map((p, v) => p.sub(v.mul(0.01)), parameters, tree.ref(moved));
  return [value, next, moved];
});
const infer = jit(forward);

let parameters = initial;
let velocity = tree.map((p) => np.zeros(p.shape), tree.ref(initial));

async function step() {
  if (training) {
    const [value, next, moved] = trainStep(parameters, velocity, images.ref, oneHot.ref);
    parameters = next;
    velocity = moved;
    await blockUntilReady(tree.ref([parameters, velocity]));
    await value.data();
  } else {
    await infer(tree.ref(parameters), images.ref).data();
  }
}

const manifest = new URL(
  'package.json',
  import.meta.resolve('@jax-js/jax').replace(/dist\/.*/, ''),
);
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
await serve({ peer: `jax-js ${version} ${engine}`, batch, step });
