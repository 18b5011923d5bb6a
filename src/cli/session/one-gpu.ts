// A cluster gives a task a GPU and should hide the others from it. Where it does not, every task of a
// node would take the first, all at once, and nobody would notice but by the time it takes: Vulkan knows
// nothing of CUDA_VISIBLE_DEVICES. So what a task sees is counted before it trains.

import { type DeviceName, parseDevice } from '../../engine/devices.ts';
import { UserError } from '../../util/errors.ts';

/** A GPU as the driver names it. */
export interface VisibleGpu {
  readonly name: string;
  /** Computes on the CPU. */
  readonly isSoftware: boolean;
}

/**
 * @param list all that this process sees, those of the same name each for itself
 * @throws UserError where the task sees several GPUs that it could mean; that there is none is said by
 *   whoever opens it
 */
export async function checkOneGpu(
  device: DeviceName,
  list: () => Promise<readonly VisibleGpu[]> = visibleGpus,
): Promise<void> {
  const { kind, adapterName } = parseDevice(device);
  if (kind !== 'webgpu') return;
  const part = adapterName?.toLowerCase() ?? '';
  const meant = (await list()).filter(
    ({ name, isSoftware }) => !isSoftware && name.toLowerCase().includes(part),
  );
  if (meant.length < 2) return;
  const names = meant.map(({ name }) => name).join(', ');
  throw new UserError(
    `This task sees ${meant.length} GPUs (${names}) and would take the first, as every other task of this machine would: have the cluster hide the others (Slurm: ConstrainDevices=yes in cgroup.conf), or, if their names differ, name one with --device webgpu:<part of its name>.`,
  );
}

async function visibleGpus(): Promise<readonly VisibleGpu[]> {
  const [{ createNodeGpuHost, visibleAdapters }, { findAdapter }] = await Promise.all([
    import('../../engine/webgpu/host.node.ts'),
    import('../../engine/webgpu/adapter.ts'),
  ]);
  const names = await visibleAdapters();
  const host = createNodeGpuHost();
  const software = new Set<string>();
  for (const name of new Set(names)) {
    if ((await findAdapter(host, name))?.isSoftware) software.add(name);
  }
  return names.map((name) => ({ name, isSoftware: software.has(name) }));
}
