// From the table of settings to options of the command line: what a form's text looks like and how it
// is read. The names, bounds and sentences are the table's.

import { type AskedValue, GIVEN_SETTINGS, type GivenSetting, settingOf } from '../train/config.ts';
import { GROUPS, type Setting } from '../train/setting.ts';
import type { Option } from './options.ts';
import { amount, choice, flag, integer, integerList, number, text } from './values.ts';

/** What was typed for settings, by the settings' names. */
export type TypedSettings = { readonly [Name in GivenSetting]?: AskedValue<Name> };

/** The option of a setting; undefined where it was not typed. */
export function settingOption<Name extends GivenSetting>(
  name: Name,
): Option<AskedValue<Name> | undefined> {
  return untypedOption(settingOf(name)) as Option<AskedValue<Name> | undefined>;
}

/** The same for commands that fall back on the setting's default and nothing else. */
export function defaultedOption<Name extends GivenSetting>(name: Name): Option<AskedValue<Name>> {
  const { default: initial } = settingOf(name);
  return { ...settingOption(name), initial } as Option<AskedValue<Name>>;
}

/**
 * The options of some settings under their groups' headings, in the order of the groups.
 * @param heading stands for all of those headings
 */
export function settingOptions<Name extends GivenSetting>(
  names: readonly Name[],
  heading?: string,
) {
  const options = Object.entries(GROUPS).flatMap(([group, title]) =>
    names
      .filter((name) => settingOf(name).option?.group === group)
      .map((name) => [name, { ...settingOption(name), group: heading ?? title }]),
  );
  return Object.fromEntries(options) as {
    [Key in Name]: Option<AskedValue<Key> | undefined>;
  };
}

/** What was typed of the settings among a command's values. */
export function typedSettings(values: TypedSettings): TypedSettings {
  return Object.fromEntries(
    GIVEN_SETTINGS.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])),
  );
}

function untypedOption({ form, option, default: initial }: Setting): Option<unknown> {
  if (!form || !option) throw new Error('users give no such setting');
  const { sets = true, group: _, ...named } = option;
  const spec = { ...named, shownDefault: option.shownDefault ?? defaultText(initial) };
  switch (form.kind) {
    case 'choice':
      return choice(form.words, { ...spec, other: form.other });
    case 'integer':
      return integer({ ...form, ...spec });
    case 'number':
      return number({ ...form, ...spec });
    case 'integers':
      return integerList(spec);
    case 'amount':
      return amount(spec);
    case 'flag':
      return { ...flag(spec), initial: undefined, parse: () => sets };
    case 'text': {
      const { placeholder, read } = form;
      const plain = text({ placeholder, ...spec });
      return read ? { ...plain, parse: (typed) => read(plain.parse(typed)) } : plain;
    }
    default:
      throw new Error(`unknown form ${form satisfies never}`);
  }
}

function defaultText(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'boolean') return undefined;
  return String(value);
}
