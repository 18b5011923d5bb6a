// Threads need shared memory, which browsers allow on cross-origin isolated pages only. Without these
// headers the example works too, on one thread.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default {
  server: { headers },
  preview: { headers },
  // The engine's workers are files of the package, found by their address in it.
  optimizeDeps: { exclude: ['table6'] },
  build: { target: 'es2022' },
};
