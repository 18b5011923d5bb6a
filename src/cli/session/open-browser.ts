// Opens an address in the person's browser. Where there is none, nothing happens: the address is on
// the screen.

import { spawn } from 'node:child_process';

export function openBrowser(url: string): void {
  const [command, ...args] = openers()[process.platform] ?? ['xdg-open'];
  const child = spawn(command!, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}

function openers(): Partial<Record<NodeJS.Platform, readonly string[]>> {
  return { darwin: ['open'], win32: ['rundll32', 'url.dll,FileProtocolHandler'] };
}
