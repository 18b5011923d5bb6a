// Signals: the first asks, the second quits, and one key press that arrives twice is one.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { REPOSITORY } from './run-table6.ts';

const MODULE = path.join(REPOSITORY, 'src', 'cli', 'session', 'interrupt.ts');

/** A process that only watches, and says what it hears. */
async function watching() {
  const script = `
    import { watchSignals } from ${JSON.stringify(MODULE)};
    const watch = watchSignals((signal) => console.log('heard ' + signal));
    setInterval(() => {}, 1000);
    process.on('SIGUSR2', () => { console.log(watch.stop.requested, watch.exitCode()); });
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  const said = async (text: string) => {
    while (!output.includes(text)) await sleep(10);
  };
  await said('ready');
  return { child, closed, said, output: () => output };
}

test('the first SIGINT sets the request, the second quits with 130', async () => {
  const { child, closed, said, output } = await watching();
  child.kill('SIGINT');
  await said('heard SIGINT');
  child.kill('SIGUSR2');
  await said('true 130');
  await sleep(400);
  child.kill('SIGINT');
  expect(await closed).toBe(130);
  expect(output().match(/heard/g)).toHaveLength(1);
});

test('the same key press arriving twice does not quit', async () => {
  const { child, closed, said } = await watching();
  child.kill('SIGINT');
  await said('heard SIGINT');
  child.kill('SIGINT');
  child.kill('SIGUSR2');
  await said('true 130');
  child.kill('SIGKILL');
  expect(await closed).toBe(null);
});
