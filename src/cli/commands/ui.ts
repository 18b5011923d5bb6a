// `table6 ui`: the page, served from this machine to itself, with the runs of a folder.

import { statSync } from 'node:fs';
import { cacheFolder } from '../../data/load.node.ts';
import { trimSlash } from '../../runs/run.ts';
import { isLoopback } from '../../server/guard.ts';
import { BUILD, ensurePage, isOutdated } from '../../server/page-build.ts';
import { DEFAULT_HOST, DEFAULT_PORT, startServer } from '../../server/server.ts';
import { UserError } from '../../util/errors.ts';
import { defineCommand } from '../command.ts';
import { printJson } from '../console/print.ts';
import { jsonOption } from '../session/common-options.ts';
import { watchSignals } from '../session/interrupt.ts';
import { openBrowser } from '../session/open-browser.ts';
import { progressTerminal } from '../session/output.ts';
import { flag, integer, text } from '../values.ts';

const RUNS = 'runs';

export const ui = defineCommand({
  description:
    'Serves the page to this machine and prints its address. Runs below RUNS appear on it, also while they train, and also when the folder only comes later. The server only reads: the page, RUNS and the data cache, nothing else. Ctrl-C ends it.',
  arguments: [
    { name: 'RUNS', help: `a folder with run folders (default ${RUNS})`, required: false },
  ],
  options: {
    port: integer({
      help: 'Listen on this port; 0 for any free one',
      shownDefault: `${DEFAULT_PORT}, or the next that is free`,
      minimum: 0,
      maximum: 65535,
    }),
    host: text({
      help: 'Listen on this address of the machine instead; 0.0.0.0 lets everybody in its network read the runs',
      placeholder: '<address>',
      initial: DEFAULT_HOST,
    }),
    open: flag({ help: 'Open the page in the browser' }),
    json: jsonOption,
  },
  examples: [
    { command: 'ui', help: 'Then open the address that it prints' },
    { command: 'ui runs/table6 --open', help: 'The runs of table6 reproduce, in the browser' },
    { command: 'ui --port 9000', help: 'On this port or not at all' },
  ],
  async run({ values, positionals }) {
    const terminal = progressTerminal(values.json);
    const runs = trimSlash(positionals[0] ?? RUNS);
    const there = statSync(runs, { throwIfNoEntry: false });
    if (there && !there.isDirectory()) throw new UserError(`"${runs}" is a file: give a folder.`);
    const page = await ensurePage(() => terminal.line('page     being built, once ...'));
    const { host, port } = values;
    const ended = Promise.withResolvers<void>();
    using interruption = watchSignals(() => ended.resolve());
    await using server = await startServer({ runs, cache: cacheFolder(), page, host, port });
    terminal.line(`page     ${server.url}`);
    terminal.line(`runs     ${runs}${there ? '' : ' (not there yet)'}`);
    if (isOutdated(page)) {
      terminal.line(`note     the page is older than its sources: "${BUILD}" makes it anew`);
    }
    if (!isLoopback(host)) {
      terminal.line(`note     everybody who can reach ${host} can read these runs`);
    }
    terminal.line('         Ctrl-C ends it');
    if (values.json) printJson({ url: server.url, runs });
    if (values.open) openBrowser(server.url);
    await ended.promise;
    return interruption.exitCode() ?? 0;
  },
});
