// CIFAR from the data cache of the server that the page comes from: whole batches, or an archive.

import { isCifarFile } from '../../../data/cifar.ts';
import { messageOf, UserError } from '../../../util/errors.ts';
import type { DroppedFile, Progress } from '../protocol.ts';

/**
 * @param base the page's address
 * @throws UserError where there is no such server, or it has not the data
 */
export async function fetchServed(
  name: string,
  base: string,
  onProgress: (progress: Progress) => void,
): Promise<DroppedFile[]> {
  const list = new URL(`api/data/${name}`, base).href;
  const listed = (await (await get(list)).json().catch(() => ({}))) as { readonly files?: unknown };
  const names = namesOf(listed.files);
  const batches = names.filter(isCifarFile);
  const wanted = batches.length > 0 ? batches : names.slice(0, 1);
  if (wanted.length === 0) {
    throw new UserError(
      `${name} is not in this machine's data cache: drop its archive or its folder here, or run "table6 data ${name}" once.`,
    );
  }
  const files: DroppedFile[] = [];
  for (const each of wanted) {
    onProgress({ what: 'fetch', done: files.length, total: wanted.length });
    const file = await (await get(`${list}/${encodeURIComponent(each)}`)).blob();
    files.push({ path: wanted.length > 1 ? `${name}/${each}` : each, file });
  }
  return files;
}

function namesOf(files: unknown): string[] {
  if (!Array.isArray(files)) return [];
  return files.flatMap((file: { readonly name?: unknown } | null) =>
    typeof file?.name === 'string' ? [file.name] : [],
  );
}

async function get(address: string): Promise<Response> {
  const answer = await fetch(address).catch((error: unknown) => {
    throw new UserError(
      `${address} cannot be fetched (${messageOf(error)}): is the server running?`,
    );
  });
  if (answer.ok) return answer;
  throw new UserError(`This page is not served with data (${address} answered ${answer.status}).`);
}
