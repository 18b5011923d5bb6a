// The project's own runs, as the page shows them beside the reader's.

import { expect, test } from 'vitest';
import { SETTING_NAMES, settingValue } from '../../../src/train/config.ts';
import { PROJECT_RESULTS } from '../../../src/web/shared/project-results.ts';

test('runs from before a setting have the value that there was', () => {
  const old = PROJECT_RESULTS.find(({ version }) => version?.includes('df85058'));
  expect(old?.config).toMatchObject({ recipe: 'notebook', cropPadding: 4 });
});

test('every run says all settings that every training has', () => {
  const always = SETTING_NAMES.filter((name) => !name.match(/^(milestones|gamma|warmup)$/));
  for (const { folder, config } of PROJECT_RESULTS) {
    const missing = always.filter((name) => settingValue(config!, name) === undefined);
    expect([folder, missing]).toEqual([folder, []]);
  }
});
