// All results of a GPU, phase by phase, into one folder that can be gone on with: the second half of
// `bench/gpu.sh`, which has put into the environment what the driver needs. `bench/gpu.sh help` says
// what can be typed.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf, UserError } from '../src/util/errors.ts';
import { checkSchema, checkUnits } from './gpu/check.ts';
import { findGpu, fixedFacts, Gpu, otherFacts } from './gpu/device.ts';
import { type GpuSettings, type Phase, type Precision, parseCommand } from './gpu/options.ts';
import { peerUnits } from './gpu/peers.ts';
import { gpuReport } from './gpu/report.ts';
import { ceilingsSchema, speedUnits } from './gpu/speed.ts';
import { trainRuns } from './gpu/train.ts';
import { Results, type ResultsFile, type RunOptions, readResults, valuesOf } from './gpu/units.ts';

/** Exit code of a command that ended in good order and has more to do. */
const NOT_FINISHED = 75;

const say = (line: string) => console.log(line);

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = error.exitCode;
}

async function main(): Promise<number> {
  const command = parseCommand(process.argv.slice(2), process.env, process.env.TABLE6_CARRIED_DATA);
  if (command.kind !== 'run') throw new UserError('Start this with bench/gpu.sh.');
  const { phases, settings } = command;
  if (phases.every((phase) => phase === 'report')) {
    writeReport(settings.output);
    return 0;
  }
  const adapter = await findGpu(settings);
  say(`adapter: ${adapter.name}, ${adapter.driver}`);
  const needsPrecisions = phases.some((phase) => phase === 'check' || phase === 'speed');
  const precisions = needsPrecisions ? await availablePrecisions(settings) : [];
  const results = Results.open(settings.output, fixedFacts(adapter));
  results.addFacts(otherFacts(adapter));
  const options: RunOptions = {
    deadline: performance.now() + 60_000 * (settings.minutes ?? Number.POSITIVE_INFINITY),
    again: settings.again,
    say,
  };
  let done = true;
  for (const phase of phases) {
    if (phase === 'report') continue;
    say(`\n== ${phase}`);
    done = (await runPhase(phase, { ...settings, precisions }, results, options)) && done;
    writeReport(settings.output);
  }
  return conclude(results.snapshot, done, path.join(settings.output, 'gpu.md'));
}

/** Says how it went. @returns the exit code: 1 where the GPU computed something wrong */
function conclude(results: ResultsFile, done: boolean, report: string): number {
  const failed = Object.values(results.units).filter(({ state }) => state === 'failed').length;
  const wrong = [...valuesOf(results, 'check/', checkSchema).values()].filter((it) => !it.right);
  const parts = [
    done ? 'all is done' : 'not finished, the same command goes on',
    ...(failed > 0 ? [`${failed} not measured`] : []),
    ...(wrong.length > 0 ? [`${wrong.length} checks WRONG`] : []),
  ];
  say(`\n${report}: ${parts.join('; ')}`);
  if (wrong.length > 0) return 1;
  return done ? 0 : NOT_FINISHED;
}

async function runPhase(
  phase: Exclude<Phase, 'report'>,
  settings: GpuSettings,
  results: Results,
  options: RunOptions,
): Promise<boolean> {
  switch (phase) {
    case 'check':
    case 'speed': {
      const gpu = new Gpu(settings);
      const ceilings = () => valuesOf(results.snapshot, 'ceilings', ceilingsSchema).get('');
      const units =
        phase === 'check'
          ? checkUnits(gpu, settings, say)
          : speedUnits(gpu, settings, say, ceilings);
      try {
        return await results.run(units, options);
      } finally {
        await gpu.close();
      }
    }
    case 'peers': {
      const peers = peerUnits(settings, say);
      results.addFacts(peers.facts);
      try {
        return await results.run(peers.units, options);
      } finally {
        peers.stop();
      }
    }
    case 'train':
      return await trainRuns(settings, results, options);
    default:
      throw new Error(`unknown phase ${phase satisfies never}`);
  }
}

/** Those that the GPU has; says which it has not. */
async function availablePrecisions(settings: GpuSettings): Promise<Precision[]> {
  const gpu = new Gpu(settings);
  const available: Precision[] = [];
  for (const precision of settings.precisions) {
    try {
      await gpu.use(precision, 'off', async () => {});
      available.push(precision);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      say(`${precision} is left out: ${messageOf(error)}`);
    }
  }
  await gpu.close();
  return available;
}

function writeReport(folder: string): void {
  const results = readResults(path.join(folder, 'results.json'));
  writeFileSync(path.join(folder, 'gpu.md'), gpuReport(results));
}
