// The lines of a long run: as many as there are, shown a few at a time.

import { expect, it } from 'vitest';
import { LineLog } from '../../../src/web/shared/line-log.ts';

it('keeps 80,000 lines in their order, tells of new ones once, and gives any few of them', () => {
  const log = new LineLog();
  let told = 0;
  const end = log.subscribe(() => told++);
  const lines = Array.from({ length: 80_000 }, (_, i) => `Epoch: [${i}]`);
  log.add(lines);
  log.add([]);
  expect(told).toBe(1);
  expect(log.length).toBe(80_000);
  expect(log.slice(79_998, 80_010)).toEqual(['Epoch: [79998]', 'Epoch: [79999]']);
  expect(log.text().split('\n')).toEqual([...lines, '']);
  end();
  log.add(['one more']);
  expect(told).toBe(1);
});
