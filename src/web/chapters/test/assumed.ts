// Which facts of loaded weights a reader may say otherwise: those that were assumed, and those that the reader
// has said already, which can be changed again.

import type { ModelFacts, WeightsFacts } from '../../worker/protocol.ts';

export type Sayable = 'normalization' | 'shortcut' | 'key';

export interface Said {
  readonly name: Sayable;
  /** What was assumed and why it matters, or that it is as the reader said. */
  readonly text: string;
  /** Of a key: the networks of the file. */
  readonly choices: readonly string[];
}

/** @param networks in the file, where it holds several */
export function mayBeSaid(
  { notices }: Pick<ModelFacts, 'notices'>,
  said: WeightsFacts,
  networks: readonly string[],
): readonly Said[] {
  const names = ['key', 'shortcut', 'normalization'] as const;
  return names.flatMap((name) => {
    const notice = notices.find(({ about }) => about === name);
    const own = said[name];
    if (!notice && own === undefined) return [];
    const choices = name === 'key' ? networks : [];
    return [{ name, text: notice?.text ?? 'As you said.', choices }];
  });
}

/** Sentences about the weights that nothing is to be done about. */
export function remarks({ notices }: Pick<ModelFacts, 'notices'>): readonly string[] {
  return notices.filter(({ about }) => about === undefined).map(({ text }) => text);
}
