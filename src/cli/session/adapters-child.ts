// A process that looks at the GPUs for `table6 doctor` and tells its parent what it finds: drivers are
// other people's code, which may crash, hang, or take minutes to compile a kernel, and none of that may
// keep the doctor from its report.

import { hasRealGpu } from '../../engine/open-backend.ts';
import { selfTest } from '../../engine/self-test.ts';
import { listAdapters } from '../../engine/webgpu/adapter.ts';
import { createWebGpuBackend } from '../../engine/webgpu/backend.ts';
import { createNodeGpuHost } from '../../engine/webgpu/host.node.ts';
import { messageOf } from '../../util/errors.ts';
import { WITHOUT_GPU } from '../advice.ts';
import type { GpuMessage } from './adapters.ts';

/** Resolves when the parent has it: a process may end at once afterwards. */
function tell(message: GpuMessage): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, () => resolve());
  });
}

// A parent that was stopped wants no answer.
process.on('disconnect', () => process.exit());

const gpu = createNodeGpuHost();
try {
  const adapters = await listAdapters(gpu);
  await tell({ kind: 'adapters', adapters, auto: (await hasRealGpu(gpu)) ? 'webgpu' : 'cpu' });
  if (adapters.length === 0)
    await tell({ kind: 'problem', problem: `${gpu.adviceWithoutAdapter} ${WITHOUT_GPU}` });
  else {
    const backend = await createWebGpuBackend({ gpu });
    const { description, adapter } = backend;
    await tell({ kind: 'opened', description, isSoftware: adapter.isSoftware });
    await tell({ kind: 'tested', result: await selfTest(backend) });
  }
} catch (error) {
  await tell({ kind: 'problem', problem: messageOf(error) });
}
process.exit();
