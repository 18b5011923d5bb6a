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

/** In the order in which the file leaves them open. */
export function mayBeSaid(
  { notices }: Pick<ModelFacts, 'notices'>,
  said: WeightsFacts,
): readonly Said[] {
  const names = ['key', 'shortcut', 'normalization'] as const;
  return names.flatMap((name) => {
    const notice = notices.find(({ about }) => about === name);
    const own = said[name];
    if (notice) return [{ name, text: notice.text, choices: notice.choices ?? [] }];
    if (own === undefined) return [];
    return [{ name, text: 'As you said.', choices: name === 'key' ? [own] : [] }];
  });
}

/** Sentences about the weights that nothing is to be done about. */
export function remarks({ notices }: Pick<ModelFacts, 'notices'>): readonly string[] {
  return notices.filter(({ about }) => about === undefined).map(({ text }) => text);
}
