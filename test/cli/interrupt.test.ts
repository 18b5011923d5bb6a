// Signals: the first asks, the second quits, and one key press that arrives twice is one.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { REPOSITORY } from './run-table6.ts';

const MODULE = path.join(REPOSITORY, 'src', 'cli', 'session', 'interrupt.ts');

/** A process that only watches, says what it hears, and is told what time it is. */
async function watching() {
  const script = `
    import { watchSignals } from ${JSON.stringify(MODULE)};
    let time = 0;
    const watch = watchSignals((signal) => console.log('heard ' + signal), () => time);
    let taken = 0;
    process.on('SIGINT', () => console.log('SIGINT ' + ++taken, watch.stop.requested, watch.exitCode()));
    process.on('message', (milliseconds) => { time = milliseconds; console.log('time ' + time); });
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let output = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  const said = async (text: string) => {
    while (!output.includes(text)) await sleep(10);
  };
  const pass = async (milliseconds: number) => {
    child.send(milliseconds);
    await said(`time ${milliseconds}`);
  };
  await said('ready');
  return { child, closed, said, pass, output: () => output };
}

test('the first SIGINT sets the request, the second quits with 130', async () => {
  const { child, closed, said, pass, output } = await watching();
  child.kill('SIGINT');
  await said('SIGINT 1 true 130');
  await pass(301);
  child.kill('SIGINT');
  expect(await closed).toBe(130);
  expect(output().match(/heard/g)).toHaveLength(1);
});

test('the same key press arriving twice does not quit', async () => {
  const { child, closed, said, pass } = await watching();
  child.kill('SIGINT');
  await said('heard SIGINT');
  await pass(299);
  child.kill('SIGINT');
  await said('SIGINT 2 true 130');
  child.kill('SIGKILL');
  expect(await closed).toBe(null);
});

test('USR2, a job that is soon to end, asks as Ctrl-C does; TERM after it is no wish to lose the step', async () => {
  const { child, closed, said, pass, output } = await watching();
  child.kill('SIGUSR2');
  await said('heard SIGUSR2');
  await pass(10_000);
  child.kill('SIGTERM');
  child.kill('SIGUSR2');
  await pass(20_000);
  child.kill('SIGINT');
  expect(await closed).toBe(130);
  expect(output().match(/heard/g)).toHaveLength(1);
});

test('TERM before USR2 is the one that counts', async () => {
  const { child, closed, said, pass } = await watching();
  child.kill('SIGTERM');
  await said('heard SIGTERM');
  await pass(10_000);
  child.kill('SIGUSR2');
  await pass(20_000);
  child.kill('SIGTERM');
  expect(await closed).toBe(143);
});
