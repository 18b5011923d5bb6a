// Of two questions of an effect only the later one's answer counts.

import { expect, it } from 'vitest';
import { follow } from '../../../src/web/shared/follow.ts';

it('takes an answer and a refusal, and neither once it has ended', async () => {
  const heard: string[] = [];
  const ask = (asked: Promise<string>) =>
    follow(
      asked,
      (answer) => heard.push(answer),
      (sentence) => heard.push(`refused: ${sentence}`),
    );
  const [slow, broken] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const ends = [ask(slow.promise), ask(broken.promise)];
  for (const end of ends) end();
  slow.resolve('late');
  broken.reject(new Error('late'));
  ask(Promise.resolve('now'));
  ask(Promise.reject(new Error('no such image')));
  await new Promise((resolve) => setTimeout(resolve));
  expect(heard).toEqual(['now', 'refused: no such image']);
});
