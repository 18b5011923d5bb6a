// A peer for the benchmark: TensorFlow.js training or evaluating a CIFAR ResNet on its CPU backend
// (its WebAssembly backend cannot train a convolution) or on WebGPU.
//
// usage: node tfjs.js ARCH train|infer BATCH cpu|webgpu [part of an adapter's name]

import * as tf from '@tensorflow/tfjs';
import { serve } from '../serve.ts';
import { provideWebGpu } from './webgpu.js';

const [arch, mode, batchText, engine, adapter] = process.argv.slice(2);
const batch = Number(batchText);
const training = mode === 'train';
if (engine === 'webgpu') {
  await provideWebGpu(adapter);
  await import('@tensorflow/tfjs-backend-webgpu');
}
if (!(await tf.setBackend(engine))) throw new Error(`TensorFlow.js has no ${engine} here`);

const convolutions = [];
const norms = [];

function addLayer(inputs, outputs) {
  const deviation = Math.sqrt(2 / (9 * inputs));
  convolutions.push(tf.variable(tf.randomNormal([3, 3, inputs, outputs], 0, deviation)));
  norms.push({
    gamma: tf.variable(tf.ones([outputs])),
    beta: tf.variable(tf.zeros([outputs])),
    mean: tf.variable(tf.zeros([outputs]), false),
    variance: tf.variable(tf.ones([outputs]), false),
  });
  return convolutions.length - 1;
}

const blocksPerStage = (Number(arch.replace('resnet', '')) - 2) / 6;
const stem = addLayer(3, 16);
const blocks = [];
let channels = 16;
for (const outputs of [16, 32, 64]) {
  for (let i = 0; i < blocksPerStage; i++) {
    const stride = i === 0 && outputs > 16 ? 2 : 1;
    blocks.push({ stride, first: addLayer(channels, outputs), second: addLayer(outputs, outputs) });
    channels = outputs;
  }
}
const linear = tf.variable(tf.randomNormal([64, 10], 0, 0.1));
const bias = tf.variable(tf.zeros([10]));

function layer(x, index, stride) {
  const y = tf.conv2d(x, convolutions[index], stride, 'same');
  const { gamma, beta, mean, variance } = norms[index];
  if (!training) return tf.batchNorm(y, mean, variance, beta, gamma, 1e-5);
  const batchMoments = tf.moments(y, [0, 1, 2]);
  for (const [running, value] of [
    [mean, batchMoments.mean],
    [variance, batchMoments.variance],
  ]) {
    running.assign(tf.add(tf.mul(running, 0.9), tf.mul(value, 0.1)));
  }
  return tf.batchNorm(y, batchMoments.mean, batchMoments.variance, beta, gamma, 1e-5);
}

function forward(images) {
  let x = tf.relu(layer(images, stem, 1));
  for (const { stride, first, second } of blocks) {
    const y = layer(tf.relu(layer(x, first, stride)), second, 1);
    let shortcut = x;
    if (stride === 2) {
      const before = (y.shape[3] - x.shape[3]) / 2;
      // Every second row and column; strided slices have no gradient here.
      const half = tf.avgPool(x, 1, 2, 'valid');
      shortcut = tf.pad(half, [
        [0, 0],
        [0, 0],
        [0, 0],
        [before, before],
      ]);
    }
    x = tf.relu(tf.add(y, shortcut));
  }
  return tf.add(tf.matMul(tf.mean(x, [1, 2]), linear), bias);
}

const images = tf.randomNormal([batch, 32, 32, 3]);
const labels = tf.oneHot(
  Array.from({ length: batch }, (_, i) => i % 10),
  10,
);
const optimizer = tf.train.momentum(0.01, 0.9);

async function step() {
  if (training) {
    const loss = optimizer.minimize(
      () => tf.losses.softmaxCrossEntropy(labels, forward(images)),
      true,
    );
    await loss.data();
    loss.dispose();
  } else {
    const logits = tf.tidy(() => forward(images));
    await logits.data();
    logits.dispose();
  }
}

await serve({ peer: `tfjs ${tf.version.tfjs} ${engine}`, batch, step });
