// Which requests are heard at all. The server reads files of whoever started it, so a page of somebody
// else that is open in the same browser must not get at them: neither by a name that it points at this
// machine (DNS rebinding: the Host is foreign) nor by asking across (Origin, Sec-Fetch-Site).

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { Refusal } from './refusal.ts';

/** Longer than any address that the page asks for. */
const LONGEST_ADDRESS = 4096;

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

export interface Address {
  /** Decoded, one name each; a trailing slash is an empty last one. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** Whether a server bound to this host can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/**
 * Checks a request and takes its address apart.
 * @param bound the host that the server was told to listen on
 * @throws Refusal saying what was wrong with it
 */
export function admit(request: IncomingMessage, bound: string): Address {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new Refusal(405, 'This server only reads: GET and HEAD.', { Allow: 'GET, HEAD' });
  }
  const { host, 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  if (length !== '0' || coding !== undefined) {
    throw new Refusal(413, 'A request to read has no body.', { Connection: 'close' });
  }
  if (host === undefined || !isAllowedHost(host, bound)) {
    throw new Refusal(
      403,
      'This server answers to its own address only, the one that table6 ui printed.',
    );
  }
  const address = parseAddress(request.url ?? '');
  if (!isOwnRequest(request, host, address)) {
    throw new Refusal(403, 'Pages of other sites may not read from this server.');
  }
  return address;
}

function isAllowedHost(host: string, bound: string): boolean {
  const name = /^(\[[0-9a-f:.]+\]|[^\s:/@\\]+)(:\d{1,5})?$/i.exec(host)?.[1];
  if (name === undefined) return false;
  const bare = name.replace(/^\[|\]$/g, '').toLowerCase();
  // Any port: it may be reached through a tunnel.
  if (LOOPBACK.includes(bare) || bare === bound.toLowerCase()) return true;
  if (isLoopback(bound)) return false;
  // Whoever opened it to a network reaches it by a number, which no foreign name can stand for.
  return isIP(bare) !== 0 || bare === hostname().toLowerCase();
}

/** Whether the page itself asks, or a person who typed the address or followed a link to it. */
function isOwnRequest({ headers }: IncomingMessage, host: string, { path }: Address): boolean {
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    return false;
  }
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  const isLink =
    headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return isLink && path[0] !== 'api';
}

function parseAddress(url: string): Address {
  if (url.length > LONGEST_ADDRESS) {
    throw new Refusal(414, `An address has at most ${LONGEST_ADDRESS} characters.`);
  }
  const [whole = '', ...query] = url.split('?');
  if (!whole.startsWith('/')) throw new Refusal(400, 'An address begins with "/".');
  try {
    return {
      path: whole.slice(1).split('/').map(decodeURIComponent),
      query: new URLSearchParams(query.join('?')),
    };
  } catch {
    throw new Refusal(400, 'This address has a "%" that is no encoded character.');
  }
}
