// The settings of the machine that trains: part of the table in `settings.ts`.

import * as z from 'zod/mini';
import { DEVICE_KINDS, type DeviceName, deviceName, parseDevice } from '../engine/devices.ts';
import { UserError } from '../util/errors.ts';
import { didYouMean } from '../util/suggest.ts';
import type { Setting } from './setting.ts';

/** @throws UserError for a device that does not exist; "--device" goes before its sentence */
function readDevice(text: string): DeviceName {
  try {
    return deviceName(parseDevice(text));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const isGpu = /^(gpu|cuda|rocm|metal|vulkan)$/i.test(text);
    const hint = isGpu ? ' Did you mean webgpu?' : didYouMean(text, DEVICE_KINDS);
    if (hint === '') throw error;
    throw new UserError(`${error.message}.${hint}`, { exitCode: error.exitCode });
  }
}

export const MACHINE_SETTINGS = {
  /** As it was asked for: `webgpu:` is followed by part of a GPU's name. */
  device: {
    form: {
      kind: 'text',
      placeholder: '<auto|cpu|webgpu[:name]|reference>',
      read: readDevice,
    },
    schema: z.union([
      z.enum(DEVICE_KINDS),
      z.templateLiteral(['webgpu:', z.string().check(z.minLength(1))]),
    ]),
    default: 'auto',
    changes: 'rounding',
    resumable: true,
    option: {
      group: 'machine',
      help: "Where to compute: auto takes a GPU if there is a real one and no algorithm of the CPU's convolutions is asked for, else the CPU; webgpu:<part of its name> picks among several; reference is slow float64, for checking",
    },
  },
  threads: {
    form: { kind: 'integer', minimum: 1, maximum: 1024 },
    default: 1,
    changes: 'nothing',
    resumable: true,
    option: {
      group: 'machine',
      help: 'Threads of the CPU engine; a backward pass is cut into at most 16 parts',
      short: 'j',
      aliases: ['workers'],
      shownDefault: 'all cores',
    },
  },
  /** 'auto' is winograd4. */
  convolution: {
    form: { kind: 'choice', words: ['auto', 'winograd4', 'winograd2', 'direct'] },
    default: 'auto',
    changes: 'rounding',
    option: {
      group: 'machine',
      help: "Algorithm of the CPU engine's 3×3 convolutions of stride 1: Winograd F(4×4), which auto takes, F(2×2), or direct",
      name: 'conv',
      aliases: ['convolution'],
    },
  },
  /** 'auto' keeps activations where they fit. */
  memory: {
    form: { kind: 'choice', words: ['auto', 'keep', 'recompute'] },
    default: 'auto',
    older: 'auto',
    changes: 'nothing',
    resumable: true,
    option: {
      group: 'machine',
      help: "While training, keep every activation, or recompute each block's from its input (same bits, less memory, a forward pass more); auto keeps them where the device has room: 4 GiB on the CPU, and on a GPU what it has",
    },
  },
  half: {
    form: { kind: 'flag' },
    default: false,
    changes: 'training',
    plan: {},
    option: {
      group: 'machine',
      help: 'Mixed precision, on a GPU: feature maps in float16, sums and weights in float32',
    },
  },
  tune: {
    form: { kind: 'choice', words: ['auto', 'off'] },
    default: 'auto',
    older: 'off',
    changes: 'rounding',
    option: {
      group: 'machine',
      help: "Tile shapes of a GPU's kernels: auto measures a few at the first use and remembers them; off takes fixed ones, so that the bits depend on the GPU alone",
    },
  },
  tensorCores: {
    form: { kind: 'choice', words: ['auto', 'on', 'off'] },
    default: 'auto',
    older: 'off',
    changes: 'rounding',
    option: {
      group: 'machine',
      help: "A GPU's matrix units, in half precision, for the gradients of weights: auto takes them where there are any and, where tiles are measured, only where they are faster; on does the same, but ends and says what is missing where there are none",
    },
  },
} as const satisfies Readonly<Record<string, Setting>>;
