// The first half of `bench/gpu.sh`: packs the kit, or puts into the environment what Vulkan needs
// (libraries are looked up when a process starts, so it takes a second one) and starts bench/gpu.ts.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '../../src/util/errors.ts';
import { CHROMIUM_SWIFTSHADER, inspectMachine, planDriver } from './driver.ts';
import { HELP, parseCommand } from './options.ts';
import { pack } from './pack.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
/** There in an unpacked kit only. */
const KIT = path.join(ROOT, 'kit');

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = error.exitCode;
}

async function main(args: string[]): Promise<void> {
  const command = parseCommand(args, process.env);
  if (command.kind === 'help') console.log(HELP);
  else if (command.kind === 'pack') pack(command, (line) => console.log(line));
  else {
    const machine = inspectMachine();
    const wantsSoftware = command.settings.software && !machine.chosenDriver;
    const plan = planDriver(machine, {
      folder: existsSync(KIT) ? path.join(KIT, 'lib') : undefined,
      icd: path.join(import.meta.dirname, 'icd'),
      swiftshader: wantsSoftware ? softwareDriver() : undefined,
    });
    for (const line of plan.lines) console.log(line);
    const { LD_LIBRARY_PATH: own } = plan.environment;
    const libraries = [own, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
    process.exitCode = await start(args, {
      ...process.env,
      ...writableFolders(),
      ...plan.environment,
      ...(libraries && { LD_LIBRARY_PATH: libraries }),
      ...(plan.problem && { TABLE6_DRIVER_PROBLEM: plan.problem }),
      ...(carriedData() && { TABLE6_CARRIED_DATA: carriedData() }),
    });
  }
}

/** @throws UserError where there is none */
function softwareDriver(): string {
  const carried = path.join(KIT, 'swiftshader', path.basename(CHROMIUM_SWIFTSHADER));
  const found = [carried, CHROMIUM_SWIFTSHADER].find((file) => existsSync(file));
  if (found) return found;
  throw new UserError(
    "--software needs SwiftShader, which is not here: install Debian's chromium, or pack the kit where it is.",
  );
}

/** Drivers and table6 keep caches in HOME, and some drivers ask for XDG_RUNTIME_DIR. */
function writableFolders(): Record<string, string> {
  const own = path.join(tmpdir(), `table6-home-${process.getuid?.() ?? 0}`);
  const missing = ['HOME', 'XDG_RUNTIME_DIR'].filter(
    (name) => !process.env[name] || !existsSync(process.env[name]),
  );
  if (missing.length > 0) mkdirSync(own, { recursive: true, mode: 0o700 });
  return Object.fromEntries(missing.map((name) => [name, own]));
}

/** The images in the kit. */
function carriedData(): string | undefined {
  const folder = path.join(ROOT, 'data');
  if (!existsSync(KIT) || !existsSync(folder)) return undefined;
  const [name] = readdirSync(folder);
  return name && path.join(folder, name);
}

function start(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const program = path.join(import.meta.dirname, '..', 'gpu.ts');
  const child = spawn(process.execPath, [program, ...args], { env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
  });
}
