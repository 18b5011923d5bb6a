// The device as a user names it (`auto`, `cpu`, `webgpu`, `webgpu:part of a name`), and what can be said
// against a choice before anything is opened. Opening is open-backend.ts.

import { UserError } from '../util/errors.ts';

export const DEVICE_KINDS = ['auto', 'cpu', 'webgpu', 'reference'] as const;

/** A device as it is written: a kind, or `webgpu:` and part of a GPU's name. */
export type DeviceName = (typeof DEVICE_KINDS)[number] | `webgpu:${string}`;

export interface DeviceRequest {
  readonly kind: (typeof DEVICE_KINDS)[number];
  /** With 'webgpu': part of an adapter's name. */
  readonly adapterName?: string;
}

/** @throws UserError for a device that does not exist; the setting's name goes before its sentence */
export function parseDevice(text: string): DeviceRequest {
  const kind = DEVICE_KINDS.find((known) => known === text.toLowerCase());
  if (kind) return { kind };
  const adapterName = /^webgpu:(.*)$/i.exec(text)?.[1]?.trim();
  if (adapterName) return { kind: 'webgpu', adapterName };
  throw new UserError(
    `must be auto, cpu, webgpu, webgpu:<part of the GPU's name> or reference, not "${text}"`,
    { exitCode: 2 },
  );
}

/** The same device, written in one way. */
export function deviceName({ kind, adapterName }: DeviceRequest): DeviceName {
  return adapterName === undefined ? kind : `webgpu:${adapterName}`;
}

/** The settings that not every device knows. */
export interface DeviceSettings {
  readonly device?: DeviceName;
  readonly convolution?: string;
  readonly half?: boolean;
  readonly tensorCores?: 'auto' | 'on' | 'off';
}

/**
 * Decides what can be decided without looking at the machine: `auto` with an algorithm of the CPU engine
 * is the CPU.
 * @throws UserError for half precision on a device that never has it, tensor cores without, and an
 *   algorithm of the CPU engine for another device
 */
export function chooseDevice(settings: DeviceSettings): DeviceRequest {
  const { device = 'auto', convolution = 'auto', half = false, tensorCores } = settings;
  const request = parseDevice(device);
  const { kind } = request;
  const ofCpu = convolution !== 'auto';
  if (ofCpu && kind !== 'auto' && kind !== 'cpu') {
    throw new UserError(
      `The convolution algorithm ${convolution} is one of the CPU engine: let it be chosen, or compute on the CPU instead of ${device}.`,
      { exitCode: 2, code: 'convolution-needs-cpu', facts: { convolution, device } },
    );
  }
  if (ofCpu && half) {
    throw new UserError(
      `Half precision needs a GPU, and the convolution algorithm ${convolution} is one of the CPU engine: leave one of them away.`,
      { exitCode: 2, code: 'convolution-or-half', facts: { convolution } },
    );
  }
  if (tensorCores === 'on' && !half) throw tensorCoresNeedHalf();
  if (half && (kind === 'cpu' || kind === 'reference')) throw halfNeedsGpu(kind);
  return ofCpu ? { kind: 'cpu' } : request;
}

export function halfNeedsGpu(device: 'cpu' | 'reference' | 'auto'): UserError {
  const reason = WITHOUT_HALF[device];
  return new UserError(`Half precision needs a GPU, and ${reason}: use full precision, or a GPU.`, {
    exitCode: 2,
    code: 'half-needs-gpu',
    facts: { device, reason },
  });
}

/** Why there is no half precision, to go on after "and". */
const WITHOUT_HALF = {
  cpu: 'the CPU engine computes in float32 only',
  reference: 'the reference computes in float64 only',
  auto: 'none was found',
} as const;

export function tensorCoresNeedHalf(): UserError {
  return new UserError('Tensor cores multiply in half precision: turn it on, or leave them away.', {
    exitCode: 2,
    code: 'tensor-cores-need-half',
    facts: {},
  });
}

/** Threads beyond this many a core only take turns; starting hundreds of them takes minutes. */
const MOST_PER_CORE = 4;
/** Allowed on any machine, to try what threads do. */
const ALWAYS_ALLOWED = 16;

/** @throws UserError for a number of threads that this machine only loses time with */
export function checkThreads(threads: number, cores: number): void {
  const most = Math.min(1024, Math.max(ALWAYS_ALLOWED, MOST_PER_CORE * cores));
  if (Number.isInteger(threads) && threads >= 1 && threads <= most) return;
  throw new UserError(
    `The number of threads must be a whole number from 1 to ${most} on this machine (${cores} ${cores === 1 ? 'core' : 'cores'}), not ${threads}.`,
    { exitCode: 2, code: 'too-many-threads', facts: { threads, most, cores } },
  );
}
