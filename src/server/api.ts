// The addresses below `api/`; what they answer is written down in `protocol.ts`.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { METRICS } from '../runs/layout.ts';
import { listCachedData, openCachedFile } from './cached-data.ts';
import { streamEvents } from './event-stream.ts';
import type { Folder, OpenFile } from './folder.ts';
import type { Address } from './guard.ts';
import { offsetOf, readPart, START } from './metrics-file.ts';
import type { MetricsPart, RunList } from './protocol.ts';
import { Refusal } from './refusal.ts';
import { sendFile, sendJson } from './respond.ts';
import type { IndexedRun, RunIndex } from './run-index.ts';
import type { RunWatch } from './run-watch.ts';

export interface Api {
  readonly index: RunIndex;
  readonly watch: RunWatch;
  readonly cache: Folder;
  /** Of this process, in the ids of its events. */
  readonly server: string;
  /** Readers of events now. */
  streams: number;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly address: Address;
}

/** More tabs than anybody has open; each costs a connection and a look at the runs. */
const MOST_STREAMS = 32;

const FILES = ['config.json', 'summary.json', 'environment.json', 'evaluation.json', 'log.txt'];

/** Answers what is asked below `api/`. @throws Refusal */
export async function answerApi(api: Api, exchange: Exchange): Promise<void> {
  const { request, response, address } = exchange;
  const [what, first, second, ...rest] = address.path.slice(1);
  if (what === 'runs' && first === undefined) {
    await api.index.refresh();
    const runs = [...api.index.runs.values()].map(({ view }) => view);
    sendJson(response, { folder: api.index.folder.path, runs } satisfies RunList);
  } else if (what === 'runs' && second === 'metrics' && rest.length === 0) {
    sendJson(response, await metricsOf(api, await findRun(api, first!), address.query));
  } else if (what === 'runs' && second === 'files') {
    await sendFound(exchange, await openRunFile(api, await findRun(api, first!), rest));
  } else if (what === 'events' && first === undefined) {
    await answerEvents(api, exchange);
  } else if (what === 'data' && first !== undefined && second === undefined) {
    sendJson(response, await listCachedData(api.cache, first));
  } else if (what === 'data' && second !== undefined && rest.length === 0) {
    await sendFound(exchange, await openCachedFile(api.cache, first!, second));
  } else {
    throw new Refusal(404, `There is nothing at "${request.url?.split('?')[0]}".`);
  }
}

async function answerEvents(api: Api, { request, response, address }: Exchange): Promise<void> {
  if (request.method === 'HEAD') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end();
    return;
  }
  if (api.streams >= MOST_STREAMS) {
    throw new Refusal(503, `There are ${MOST_STREAMS} readers already: close a tab.`);
  }
  const last = request.headers['last-event-id'];
  const after = typeof last === 'string' ? last : (address.query.get('after') ?? undefined);
  api.streams++;
  try {
    await streamEvents(response, { ...api, after, epochs: address.query.has('epochs') });
  } finally {
    api.streams--;
  }
}

/** A run that is not known may have just been made. */
async function findRun({ index }: Api, id: string): Promise<IndexedRun> {
  if (!index.runs.has(id)) await index.refresh();
  const run = index.runs.get(id);
  if (run === undefined) throw new Refusal(404, `There is no run "${id}".`);
  return run;
}

async function metricsOf(
  { index }: Api,
  { names }: IndexedRun,
  query: URLSearchParams,
): Promise<MetricsPart> {
  const from = positionIn(query, 'from') ?? START;
  const to = positionIn(query, 'to');
  await using file = await index.folder.open([...names, METRICS]);
  if (file === undefined) return { from: START, next: START, more: false, records: [] };
  const end = Math.min(file.bytes, to === undefined ? Number.POSITIVE_INFINITY : offsetOf(to)!);
  return await readPart(file.handle, { from, end, epochs: query.has('epochs') });
}

function positionIn(query: URLSearchParams, name: string): string | undefined {
  const position = query.get(name);
  if (position === null) return undefined;
  if (offsetOf(position) !== undefined) return position;
  throw new Refusal(400, `"${name}" must be a position or a byte offset, not "${position}".`);
}

async function openRunFile(
  { index }: Api,
  { names }: IndexedRun,
  path: readonly string[],
): Promise<OpenFile | undefined> {
  const [first = '', second] = path;
  const isCheckpoint = first === 'checkpoints' && second?.endsWith('.safetensors');
  const isKnown = path.length === 1 ? FILES.includes(first) : path.length === 2 && isCheckpoint;
  if (!isKnown) {
    throw new Refusal(404, `Of a run there are ${FILES.join(', ')} and checkpoints/*.safetensors.`);
  }
  return index.folder.open([...names, ...path]);
}

async function sendFound(exchange: Exchange, found: OpenFile | undefined): Promise<void> {
  if (found === undefined) throw new Refusal(404, 'This file is not there.');
  await using file = found;
  const { request, response, address } = exchange;
  await sendFile(request, response, file, { type: typeOf(address.path.at(-1) ?? '') });
}

function typeOf(name: string): string {
  if (name.endsWith('.json')) return 'application/json';
  return name.endsWith('.txt') ? 'text/plain' : 'application/octet-stream';
}
