// The local server behind `table6 ui`: the page, the runs and the data cache, to read. node:http and
// nothing else.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nodeHost } from '../runs/runs.node.ts';
import { messageOf, UserError } from '../util/errors.ts';
import { systemCode } from '../util/system-errors.ts';
import { type Api, answerApi } from './api.ts';
import { Folder } from './folder.ts';
import { admit } from './guard.ts';
import { answerPage } from './page-files.ts';
import { COMMON_HEADERS, sendRefusal } from './respond.ts';
import { RunIndex } from './run-index.ts';
import { RunWatch } from './run-watch.ts';

export const DEFAULT_PORT = 8620;
export const DEFAULT_HOST = '127.0.0.1';
/** Where the default port is taken, one of the next is. */
const PORTS_TRIED = 20;

export interface ServerOptions {
  /** Folder of run folders; it may come later. */
  readonly runs: string;
  /** The data cache; it may be missing. */
  readonly cache: string;
  /** The built page. */
  readonly page: string;
  readonly host?: string;
  /** This port and no other (0 is any free one); without it the default or one of the next. */
  readonly port?: number | undefined;
}

export interface RunningServer extends AsyncDisposable {
  /** With a slash at its end. */
  readonly url: string;
  /** Resolves when every connection is closed; readers of events are sent away. */
  close(): Promise<void>;
}

/** @throws UserError where it cannot listen */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host = DEFAULT_HOST } = options;
  const index = new RunIndex(new Folder(options.runs), nodeHost.self);
  const watch = new RunWatch(index);
  const cache = new Folder(options.cache);
  const api: Api = { index, watch, cache, server: randomBytes(4).toString('hex'), streams: 0 };
  const page = new Folder(options.page);
  const server = createServer((request, response) => {
    answer(api, page, host, { request, response }).catch((error: unknown) => {
      sendRefusal(response, error);
    });
  });
  await listen(server, host, options.port);
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/`,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function answer(
  api: Api,
  page: Folder,
  host: string,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  for (const [name, value] of Object.entries(COMMON_HEADERS)) response.setHeader(name, value);
  const address = admit(request, host);
  const exchange = { request, response, address };
  await (address.path[0] === 'api' ? answerApi(api, exchange) : answerPage(page, exchange));
}

async function listen(server: Server, host: string, port: number | undefined): Promise<void> {
  const last = port ?? DEFAULT_PORT + PORTS_TRIED - 1;
  for (let tried = port ?? DEFAULT_PORT; ; tried++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port: tried, exclusive: true }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      return;
    } catch (error) {
      const code = systemCode(error);
      if (code === 'EADDRINUSE' && tried < last) continue;
      throw listenError(error, host, port ?? DEFAULT_PORT, last);
    }
  }
}

function listenError(error: unknown, host: string, first: number, last: number): UserError {
  const options = { cause: error };
  switch (systemCode(error)) {
    case 'EADDRINUSE': {
      const ports = first === last ? `port ${first} is` : `ports ${first} to ${last} are`;
      return new UserError(`The ${ports} taken: choose another with --port.`, options);
    }
    case 'EACCES':
      return new UserError(
        `Port ${first} needs rights that you have not: choose one above 1023 with --port.`,
        options,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UserError(
        `This machine has no address "${host}": --host takes one of its own, or 0.0.0.0 for all.`,
        options,
      );
    default:
      return new UserError(`The server cannot listen on ${host}: ${messageOf(error)}.`, options);
  }
}
