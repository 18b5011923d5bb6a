// Options that several commands share, so that they mean and say the same everywhere.

import { type DeviceName, deviceName, parseDevice } from '../../engine/devices.ts';
import { CONVOLUTIONS, MEMORY_MODES, TENSOR_CORE_MODES, TUNE_MODES } from '../../train/config.ts';
import type { Option } from '../options.ts';
import { choice, flag, integer, text } from '../values.ts';

export const dataOption = text({
  help: 'cifar10, cifar100, synthetic[:train=N,test=N,seed=N], a folder or archive in the official CIFAR layout, or a folder train/<class>/*, test/<class>/*',
  placeholder: '<name|path>',
  shownDefault: 'cifar10',
});

export const deviceOption: Option<DeviceName> = {
  help: 'Where to compute: auto takes a GPU if there is a real one and no --conv, else the CPU; webgpu:<part of its name> picks among several (table6 doctor lists them); reference is slow float64, for checking',
  placeholder: '<auto|cpu|webgpu[:name]|reference>',
  initial: 'auto',
  parse: (value) => deviceName(parseDevice(value)),
};

export const halfOption = flag({
  help: 'Mixed precision, on a GPU: feature maps in float16, sums and weights in float32',
});

export const tuneOption = choice(TUNE_MODES, {
  help: "Tile shapes of a GPU's kernels: auto measures a few at the first use and remembers them; off takes fixed ones, so that the bits depend on the GPU alone",
  initial: 'auto',
});

export const tensorCoresOption = choice(TENSOR_CORE_MODES, {
  help: "A GPU's matrix units, with --half: auto takes them where there are any and they are faster (as measured, or with --tune off for weight gradients alone); on takes them wherever it can, and says what is missing where there are none",
  initial: 'auto',
});

export const threadsOption = integer({
  help: 'Threads of the CPU engine; a backward pass is cut into at most 16 parts',
  short: 'j',
  shownDefault: 'all cores',
  minimum: 1,
  maximum: 1024,
});

export const convOption = choice(CONVOLUTIONS, {
  help: "Algorithm of the CPU engine's 3×3 convolutions of stride 1: Winograd F(4×4), which auto takes, F(2×2), or direct",
  aliases: ['convolution'],
  initial: 'auto',
});

export const memoryOption = choice(MEMORY_MODES, {
  help: "While training, keep every activation, or recompute each block's from its input (same bits, less memory, a forward pass more); auto keeps them where the device has room: 4 GiB on the CPU, and on a GPU what it has",
  initial: 'auto',
});

export const checkpointOption = text({
  help: "Which of a run's checkpoints: best, last, epoch-010",
  placeholder: '<name>',
  shownDefault: 'best, else last',
});

export const archCheckOption = text({
  help: 'Check that it is this network; tells a plain net from a residual one with the same weights',
  placeholder: '<arch>',
});

export const batchSizeOption = integer({
  help: 'Images a step',
  short: 'b',
  initial: 128,
  minimum: 1,
  maximum: 65536,
});

export const strictOption = flag({
  help: 'Stop at the first unreadable picture of an image folder instead of skipping it',
});

export const offlineOption = flag({ help: 'Never download' });

export const jsonOption = flag({ help: 'Print one line of JSON on standard output' });
