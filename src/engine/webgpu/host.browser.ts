// WebGPU in a browser tab or worker: `navigator.gpu`.

import { UserError } from '../../util/errors.ts';
import type { GpuHost } from './host.ts';

export function createBrowserGpuHost(): GpuHost {
  return {
    async open() {
      const { gpu } = globalThis.navigator as { readonly gpu?: GPU };
      if (!gpu) {
        throw new UserError(
          'This browser offers no WebGPU to this page: use a current Chrome, Edge, Safari or Firefox over https or localhost, or train on the CPU.',
        );
      }
      return gpu;
    },
    describes: 'adapter',
    slowCallbacks: / Firefox\//.test(globalThis.navigator.userAgent),
    mayHaveGpu: () => 'gpu' in globalThis.navigator,
    adviceWithoutAdapter:
      'Turn on hardware acceleration in the browser’s settings (chrome://gpu says what is blocked), or train on the CPU.',
  };
}
