// What somebody is told who packs table6 into one file for Node.js, where the engine's worker is missing: bundled
// by Vite and run, as such a program would be.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, describe, expect, test } from 'vitest';
import { REPOSITORY } from '../cli/run-table6.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'table6-bundled-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = `
  import { openBackend } from ${JSON.stringify(path.join(REPOSITORY, 'src', 'index.ts'))};
  openBackend({ device: 'cpu', threads: 2 }).then(
    (backend) => backend.dispose().then(() => console.log('opened')),
    (error) => console.log(error.name + ': ' + error.message),
  );
`;

/** What a bundled program prints. */
async function bundledAndRun(format: 'es' | 'cjs'): Promise<string> {
  const entry = path.join(folder, 'program.ts');
  writeFileSync(entry, PROGRAM);
  const name = format === 'es' ? 'program.mjs' : 'program.cjs';
  await build({
    ...{ configFile: false, logLevel: 'error', root: folder, publicDir: false },
    ssr: { noExternal: true, external: ['sharp', 'webgpu'] },
    build: {
      ...{ ssr: entry, outDir: path.join(folder, format), minify: true },
      rolldownOptions: { output: { format, entryFileNames: name } },
    },
  });
  const program = path.join(folder, format, name);
  return (await promisify(execFile)(process.execPath, [program])).stdout;
}

describe('a program that is bundled for Node.js', () => {
  test.each(['es', 'cjs'] as const)('as %s is told to leave table6 out', async (format) => {
    expect(await bundledAndRun(format)).toBe(
      'UserError: The worker of the engine (worker.node.js) does not lie beside it, as in a bundle for Node.js: leave table6 out of the bundle, as an external package.\n',
    );
  });
});
