// A browser for tests, driven by playwright-core, which brings none of its own. Tests that need one skip,
// saying so, where none is installed.

import { existsSync } from 'node:fs';

const PLACES = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Path of a Chromium, or undefined when this machine has none (or none where `CHROMIUM` says). */
export function findChromium(): string | undefined {
  const found = PLACES.find((place) => place !== undefined && existsSync(place));
  if (found === undefined) console.warn('skipped: no Chromium on this machine (set CHROMIUM)');
  return found;
}

/** What makes Chromium offer WebGPU where there is no GPU: SwiftShader, which comes with it. */
export const SOFTWARE_GPU = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  // A software adapter takes longer for a batch than a GPU may.
  '--disable-gpu-watchdog',
];
