// Proves the WebGPU backend on this machine's adapter, in Node.js and in headless Chromium: every case
// of the conformance suite, every golden file, a training beside the CPU engine, all answers of the
// published weights, and a step of ResNet-1202. `npm test` runs as much of it as fits into seconds; all
// of it takes a software adapter half an hour. A line a check; exit code 1 if one fails.
//
//   node scripts/verify-webgpu.ts [--node] [--browser] [--float32] [--mixed]
//     [--conformance] [--golden] [--training] [--weights] [--deep]
//
// Everything, unless some are named. TABLE6_TEST_ADAPTER picks Node's adapter by a part of its name.
// Golden values, weights and images are read from ../shared; what is not there is left out.

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createWasmBackend } from '../src/engine/wasm/backend.ts';
import { createNodeHost } from '../src/engine/wasm/host.node.ts';
import { openPage } from '../test/browser/chromium.ts';
import { CONFORMANCE_CASES, titleOf } from '../test/conformance/cases.ts';
import { findTestAdapter, openTestBackend } from '../test/engine/webgpu/adapter.ts';
import { CONFORMANCE, GOLDEN, GOLDEN_MIXED, PUBLISHED } from '../test/engine/webgpu/tolerances.ts';
import { type Checks, createChecks, type Precision } from '../test/support/checks.ts';
import { findChromium } from '../test/support/chromium.ts';
import { compareDeepStep } from '../test/support/deep-step.ts';
import { type Deviation, tooLarge } from '../test/support/deviations.ts';
import { GOLDEN_FILES } from '../test/support/golden-steps.ts';
import { logitsDistance, PUBLISHED_WEIGHTS } from '../test/support/published.ts';
import { sharedFile, sharedPublished, sharedRecords } from '../test/support/shared.ts';
import { curveDeviations, trainTiny } from '../test/support/tiny-training.ts';

const { values: options } = parseArgs({
  options: {
    node: { type: 'boolean' },
    browser: { type: 'boolean' },
    float32: { type: 'boolean' },
    mixed: { type: 'boolean' },
    conformance: { type: 'boolean' },
    golden: { type: 'boolean' },
    training: { type: 'boolean' },
    weights: { type: 'boolean' },
    deep: { type: 'boolean' },
  },
});
type Option = keyof typeof options;

/** Those that were asked for; all where none was. */
function wanted<Name extends Option>(...names: Name[]): Set<Option> {
  const named = names.filter((name) => options[name]);
  return new Set(named.length > 0 ? named : names);
}
const places = wanted('node', 'browser');
const precisions = wanted('float32', 'mixed');
const kinds = wanted('conformance', 'golden', 'training', 'weights', 'deep');

/** Where checks run. */
interface Place {
  readonly name: string;
  readonly checks: Checks;
  /** How the place calls a file of this machine. */
  serve(file: string): Promise<string>;
}

let failed = 0;

/** One line for people who wait, which the next one replaces. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** Runs one check and prints its line: what is largest beside its bound, and anything too large. */
async function report(
  place: string,
  precision: Precision,
  title: string,
  check: () => Promise<{ deviations: readonly Deviation[]; note?: string }>,
): Promise<void> {
  const start = performance.now();
  let line: string;
  try {
    const { deviations, note } = await check();
    const wrong = tooLarge(deviations);
    if (wrong.length > 0 || deviations.length === 0) failed++;
    const worst = [...deviations].sort((a, b) => share(b) - share(a))[0];
    const facts = worst && `${worst.what} ${shortly(worst.value)} of ${shortly(worst.bound)}`;
    line = wrong.length > 0 ? `FAILED: ${wrong.join('; ')}` : `ok | ${note ?? facts}`;
  } catch (error) {
    failed++;
    line = `FAILED: ${error instanceof Error ? error.message : error}`;
  }
  progress('');
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(`| ${place} | ${precision} | ${title} | ${line} | ${seconds} s |`);
}

function share({ value, bound }: Deviation): number {
  return bound === 0 ? value : value / bound;
}

function shortly(value: number): string {
  return value === 0 || Number.isInteger(value) ? String(value) : value.toPrecision(2);
}

async function verify(place: Place): Promise<void> {
  const { name, checks, serve } = place;
  const records = sharedRecords();
  for (const precision of ['float32', 'mixed'] as const) {
    if (!precisions.has(precision)) continue;
    console.log(`\n${name}: ${await checks.describe(precision)}\n`);
    const mixed = precision === 'mixed';
    if (kinds.has('conformance') && !mixed) {
      for (const test of CONFORMANCE_CASES) {
        await report(name, precision, `conformance: ${titleOf(test)}`, async () => ({
          deviations: await checks.conformance(test, CONFORMANCE),
        }));
      }
    }
    if (kinds.has('training') && !mixed) {
      await report(name, precision, 'tiny training beside the CPU engine', async () => {
        const cpu = await createWasmBackend({ host: createNodeHost(), threads: 1 });
        const expected = await trainTiny(cpu);
        await cpu.dispose();
        return { deviations: curveDeviations(await checks.train(precision), expected) };
      });
    }
    for (const { file, arch, shortcut } of kinds.has('golden') ? GOLDEN_FILES : []) {
      const golden = sharedFile(`golden/${file}.safetensors`);
      if (!golden || !records) continue;
      const { steps, ...tolerances } = GOLDEN[file]!;
      await report(name, precision, `golden: ${file}, ${steps} steps`, async () => ({
        deviations: await checks.golden(
          precision,
          { file: await serve(golden), records: await serve(records) },
          { arch, shortcut, steps },
          mixed ? GOLDEN_MIXED : tolerances,
        ),
      }));
    }
    for (const file of kinds.has('weights') ? PUBLISHED_WEIGHTS : []) {
      const published = sharedPublished(file);
      if (!published) continue;
      const { expected } = published;
      const files = { file: await serve(published.file), records: await serve(published.records) };
      const bounds = PUBLISHED[precision];
      await report(name, precision, `${file}: logits of 16 images`, async () => {
        const value = logitsDistance(await checks.logits(precision, files), expected);
        return { deviations: [{ what: 'logits', value, bound: bounds.logits }] };
      });
      await report(name, precision, `${file}: ${expected.images} images`, async () => {
        const { wrong, loss } = await checks.evaluation(precision, files, expected.images);
        const { wrong: right, cross_entropy } = expected;
        return {
          note: `${wrong} wrong (PyTorch ${right}), loss ${loss.toFixed(6)} (${cross_entropy})`,
          deviations: [
            { what: 'wrong', value: Math.abs(wrong - right), bound: bounds.wrong },
            { what: 'loss', value: Math.abs(loss - cross_entropy), bound: bounds.loss },
          ],
        };
      });
    }
  }
}

if (places.has('node') && (await findTestAdapter())) {
  const checks = createChecks({
    open: (precision) => openTestBackend({ half: precision === 'mixed' }),
    bytesOf: (file) => readFile(file),
    log: progress,
  });
  await verify({ name: 'Node.js', checks, serve: async (file) => file });
  await checks.close();
  for (const precision of ['float32', 'mixed'] as const) {
    if (!kinds.has('deep') || !precisions.has(precision)) continue;
    await report('Node.js', precision, 'ResNet-1202, a step on 2 images', async () => {
      const backend = await openTestBackend({ half: precision === 'mixed' });
      const result = await compareDeepStep(backend, precision);
      await backend.dispose();
      return result;
    });
  }
}

const chromium = places.has('browser') ? findChromium() : undefined;
if (chromium) {
  await using served = await openPage(chromium);
  served.page.on('console', (message) => progress(message.text()));
  await verify({ name: 'Chromium', checks: served.checks, serve: served.serve });
}
process.exitCode = failed > 0 ? 1 : 0;
