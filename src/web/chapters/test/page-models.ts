// The trained networks that come with the page: `models/models.json` beside it lists them, and a file is
// fetched only when somebody asks for it.
//
//   { "models": [{ "file": "resnet20.safetensors", "title": "ResNet-20", "note": "8.3 % wrong of CIFAR-10" }] }

import type { ModelSource } from '../../worker/protocol.ts';

export interface PageModel {
  /** Its name in `models/`. */
  readonly file: string;
  readonly title: string;
  /** A few words: what it was trained on, how well it does. */
  readonly note: string;
}

const FOLDER = 'models/';

/**
 * Asks for the list.
 * @param base the page's address
 * @returns none where the list is empty or cannot be read: the page does without
 */
export async function pageModels(base: string): Promise<readonly PageModel[]> {
  try {
    const answer = await fetch(new URL(`${FOLDER}models.json`, base));
    return answer.ok ? modelsOf(await answer.json()) : [];
  } catch {
    return [];
  }
}

/** The entries of a list that are whole; a file is a plain name, so that none lies elsewhere. */
export function modelsOf(list: unknown): readonly PageModel[] {
  const { models } = (list ?? {}) as { readonly models?: unknown };
  if (!Array.isArray(models)) return [];
  return models.filter(
    (model: Partial<Record<keyof PageModel, unknown>> | null): model is PageModel => {
      const { file, title, note } = model ?? {};
      const isName = typeof file === 'string' && /^[\w.-]+$/.test(file) && !file.startsWith('.');
      return isName && typeof title === 'string' && typeof note === 'string';
    },
  );
}

export function sourceOf({ file }: PageModel, base: string): ModelSource {
  return { from: 'address', address: new URL(`${FOLDER}${file}`, base).href };
}
