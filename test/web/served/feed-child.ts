// Follows one run of a server and prints a line whenever something changed: what the page would know.

import { ServedClient } from '../../../src/web/served/client.ts';
import { RunFeed } from '../../../src/web/served/run-feed.ts';

const [url, id, epochs] = process.argv.slice(2) as [string, string, string?];
let requests = 0;
const { fetch } = globalThis;
globalThis.fetch = (...args) => {
  requests++;
  return fetch(...args);
};
const feed = new RunFeed(
  new ServedClient(url),
  (change) => {
    const records = feed.records(id);
    const { epoch: last } = records.at(-1) ?? {};
    const ids = feed.runs.map((run) => run.id);
    console.log(JSON.stringify({ ...change, ids, records: records.length, requests, last }));
  },
  { epochs: epochs !== undefined },
);
feed.follow(id);
