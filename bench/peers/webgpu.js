// Gives this process what a browser has: `navigator.gpu` and WebGPU's global names, from the same Dawn
// that table6 uses. To be called before a peer is imported.

/** @param {string} [adapter] part of an adapter's name */
export async function provideWebGpu(adapter) {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create(adapter ? [`adapter=${adapter}`] : []);
  Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true });
}
