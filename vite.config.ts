// Builds the page in src/web as a static site that works from any host and any folder of it
// (`npm run build:web`), and serves it while it is being written (`npm run dev`).

import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { contentSecurityPolicy, ISOLATION_HEADERS, mathematics } from './scripts/vite-plugins.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('src/web'),
  base: './',
  plugins: [mathematics(), svelte({ configFile: false }), contentSecurityPolicy()],
  build: {
    outDir: here('dist/web'),
    emptyOutDir: true,
    // For scripts/check-web-size.ts.
    manifest: true,
    target: ['chrome113', 'firefox121', 'safari17.4'],
    // Browsers of these versions preload modules themselves.
    modulePreload: { polyfill: false },
    // A data: address is not 'self', and the security policy allows nothing else.
    assetsInlineLimit: 0,
    rolldownOptions: {
      // Says of every build that compiling takes most of it.
      checks: { pluginTimings: false },
      input: {
        index: here('src/web/index.html'),
        'isolation-worker': here('src/web/isolation/isolation-worker.ts'),
      },
      output: {
        // A service worker is asked for by name, and only controls what lies below it.
        entryFileNames: ({ name }) =>
          name === 'isolation-worker' ? '[name].js' : 'assets/[name]-[hash].js',
      },
    },
  },
  worker: { format: 'es' },
  server: { headers: ISOLATION_HEADERS },
  preview: { headers: ISOLATION_HEADERS },
});
