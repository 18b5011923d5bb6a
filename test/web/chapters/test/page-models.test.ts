// The list of networks that come with the page.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { modelsOf, sourceOf } from '../../../../src/web/chapters/test/page-models.ts';

const model = { file: 'resnet20.safetensors', title: 'ResNet-20', note: '8.3 % wrong' };

it('is read, leaving out what is no entry, or lies elsewhere', () => {
  const others = [
    null,
    {},
    { ...model, title: 3 },
    { ...model, file: '../secret' },
    { ...model, file: 'https://x' },
  ];
  expect(modelsOf({ models: [model, ...others, { ...model, file: '.hidden' }] })).toEqual([model]);
  for (const list of [undefined, null, 3, [], {}, { models: 'x' }])
    expect(modelsOf(list)).toEqual([]);
});

it('names files beside the page, in whatever folder that is', () => {
  expect(sourceOf(model, 'https://host/a/b/index.html#/test')).toEqual({
    from: 'address',
    address: 'https://host/a/b/models/resnet20.safetensors',
  });
});

it('of this page has only entries that are whole', () => {
  const path = new URL('../../../../src/web/public/models/models.json', import.meta.url);
  const list = JSON.parse(readFileSync(path, 'utf8'));
  expect(modelsOf(list)).toEqual(list.models);
});
