// A server over folders of its own, and a client that sends exactly what a test says: fetch would
// tidy paths and headers up before they left.

import { mkdir, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { type RunningServer, startServer } from '../../../src/server/server.ts';
import { temporaryFolder } from '../../runs/support/hosts.ts';

export interface Served {
  readonly server: RunningServer;
  readonly folder: string;
  readonly runs: string;
  readonly cache: string;
  readonly page: string;
  get(path: string, options?: RequestOptions): Promise<Answer>;
  json<T>(path: string): Promise<T>;
}

interface RequestOptions {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export const INDEX = '<!doctype html><html><head><title>page</title></head></html>';

/** Starts a server with a small page, an empty cache and the runs folder `runs`, which is not there. */
export async function serve(options: { host?: string } = {}): Promise<Served> {
  const folder = await temporaryFolder();
  const at = (name: string) => path.join(folder, name);
  await mkdir(at('page/assets'), { recursive: true });
  await mkdir(at('cache'));
  await writeFile(at('page/index.html'), INDEX);
  await writeFile(at('page/assets/index-D4kLw2Zq.js'), 'export {};');
  await writeFile(at('secret.json'), '{"secret":true}');
  const folders = { runs: at('runs'), cache: at('cache'), page: at('page') };
  const server = await startServer({ ...folders, port: 0, ...options });
  onTestFinished(() => server.close());
  const get = (address: string, asked?: RequestOptions) => send(server.url, address, asked);
  const json = async <T>(address: string) => JSON.parse((await get(address)).body) as T;
  return { server, folder, ...folders, get, json };
}

/** Sends one request with its path as it is. */
export function send(url: string, address: string, options: RequestOptions = {}): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const { method = 'GET', headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    const sent = request({ host, port, path: address, method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => {
        resolve({ status: response.statusCode!, headers: response.headers, body: text });
      });
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** The server's sentence. */
export function errorOf(answer: Answer): string {
  return (JSON.parse(answer.body) as { error: string }).error;
}
