// "Train both" is fair: the two runs differ in nothing but their shortcuts.

import { expect, it } from 'vitest';
import { resolveConfig } from '../../../../src/experiment/recipes.ts';
import { keptDifferences } from '../../../../src/train/config.ts';
import { bothRequests } from '../../../../src/web/chapters/why/both-runs.ts';

it('both runs have one configuration but for the network', () => {
  const [plain, residual] = bothRequests({
    ...{ depth: 32, learningRate: 0.02, passes: 8, seed: 4 },
  }).map(({ arch, recipe, overrides }) => resolveConfig({ arch, recipe, overrides }));
  expect(keptDifferences(plain!, residual!)).toEqual(['arch', 'shortcut']);
  expect(plain).toMatchObject({ arch: 'plain32', seed: 4, learningRate: 0.02, augment: false });
  expect(residual).toMatchObject({ arch: 'resnet32', shortcut: 'A' });
  expect(plain!.schedule).toMatchObject({ length: 8, milestones: [] });
});
