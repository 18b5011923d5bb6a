// A reader of server-sent events that keeps count of what came: names, data, ids and bytes.

import { request } from 'node:http';
import { onTestFinished } from 'vitest';
import type { StreamEvents } from '../../../src/server/protocol.ts';

export interface ReceivedEvent {
  readonly name: keyof StreamEvents;
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows which event it looks at
  readonly data: any;
}

export interface EventReader {
  readonly events: ReceivedEvent[];
  readonly status: number;
  /** Received so far. */
  bytes(): number;
  /** Waits for an event that is like this, and for what came before it. */
  until(isIt: (event: ReceivedEvent) => boolean): Promise<ReceivedEvent>;
  pause(): void;
  resume(): void;
  close(): void;
}

export function readEvents(
  url: string,
  options: { query?: string; lastEventId?: string } = {},
): Promise<EventReader> {
  const { query = '', lastEventId } = options;
  const headers = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}api/events${query}`, { headers }, (response) => {
      const events: ReceivedEvent[] = [];
      const waiting = new Set<() => void>();
      let text = '';
      let bytes = 0;
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        bytes += Buffer.byteLength(part);
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const event = parseEvent(text.slice(0, end));
          text = text.slice(end + 2);
          if (event) events.push(event);
        }
        for (const look of waiting) look();
      });
      response.on('error', () => {});
      onTestFinished(() => {
        sent.destroy();
      });
      resolve({
        events,
        status: response.statusCode!,
        bytes: () => bytes,
        until: (isIt) =>
          new Promise((found) => {
            const look = () => {
              const event = events.find(isIt);
              if (event === undefined) return;
              waiting.delete(look);
              found(event);
            };
            waiting.add(look);
            look();
          }),
        pause: () => response.pause(),
        resume: () => response.resume(),
        close: () => sent.destroy(),
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

function parseEvent(text: string): ReceivedEvent | undefined {
  const fields = new Map(
    text.split('\n').map((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)] as const;
    }),
  );
  const name = fields.get('event');
  if (name === undefined) return undefined;
  return {
    name: name as keyof StreamEvents,
    id: fields.get('id'),
    data: JSON.parse(fields.get('data') ?? ''),
  };
}
