// The model that `evaluate`, `predict` and others are pointed at, with what was typed about it, and what is to
// be said about it.

import { fixedNormalization, type NormalizationKind } from '../../data/normalization.ts';
import type { ShortcutOption } from '../../nn/network.ts';
import { openModel } from '../../runs/model.node.ts';
import { type Model, modelNotices, normalizedModel } from '../../runs/model.ts';
import type { Terminal } from '../console/terminal.ts';
import { usageError } from '../options.ts';
import { openDataset } from './dataset.ts';

export { openModel } from '../../runs/model.node.ts';
export type { Model } from '../../runs/model.ts';

/** What may be typed about weights. */
export interface TypedModel {
  readonly checkpoint?: string;
  readonly arch?: string;
  readonly shortcut?: Exclude<ShortcutOption, 'none'>;
  readonly key?: string;
  readonly normalization?: NormalizationKind;
}

/**
 * Opens a run or a weights file for a command that needs no images but perhaps those that the
 * normalisation is made from.
 * @throws UserError for images that are missing or of no use, and what `openModel` throws
 */
export async function openTypedModel(
  command: string,
  path: string,
  typed: TypedModel & { readonly data?: string; readonly offline?: boolean },
  terminal: Terminal,
): Promise<Model> {
  const { normalization: kind, data, offline, ...options } = typed;
  if (data !== undefined && (kind === undefined || fixedNormalization(kind))) {
    throw usageError(
      command,
      '--data is for the training images that --normalization dataset or per-pixel-mean is made from',
    );
  }
  const model = await openModel(path, options);
  return normalizedModel(model, kind, async () => {
    if (data === undefined) {
      throw usageError(
        command,
        `--normalization ${kind} is made from training images: name them with --data, or give the numbers as MEAN/DEVIATION`,
      );
    }
    return (await openDataset(data, terminal, { offline })).train;
  });
}

const OPTIONS = {
  normalization: 'Another one is given with --normalization.',
  shortcut: 'Say it with --shortcut A or --shortcut A-end.',
  key: 'Another one is taken with --key.',
} as const;

/**
 * What people should know of a model, in sentences.
 * @param left what is of no matter to what is done with it
 */
export function noticesOf(model: Model, left: readonly (keyof typeof OPTIONS)[] = []): string[] {
  return modelNotices(model)
    .filter(({ about }) => about === undefined || !left.includes(about))
    .map(({ about, text }) => (about ? `${text} ${OPTIONS[about]}` : text));
}
