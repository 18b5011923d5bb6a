// `--vary lr=0.05,0.1,0.2`: the values of a setting that a table is to try, read as the setting's own option
// reads one value. Given several times, every combination is tried.

import type { Vary } from '../../experiment/plan.ts';
import {
  GIVEN_SETTINGS,
  type GivenSetting,
  optionName,
  settingOf,
  VARIED_SETTINGS,
  type VariedSetting,
} from '../../train/config.ts';
import { UserError } from '../../util/errors.ts';
import { didYouMean } from '../../util/suggest.ts';
import type { Option } from '../options.ts';
import { settingOption } from '../setting-options.ts';

/** @param group heading in the help */
export function varyOption(group: string): Option<Vary | undefined> {
  return {
    help: 'Try several values of a setting: lr=0.05,0.1,0.2, nesterov=on,off, milestones=100+150,80+120; of several settings every combination',
    placeholder: '<setting=value,...>',
    shownDefault: "the plan's, else none",
    group,
    initial: undefined,
    parse: parseVary,
    together(before, next) {
      const twice = Object.keys(next).find((name) => name in before) as VariedSetting | undefined;
      if (twice === undefined) return { ...before, ...next };
      throw new UserError(`names ${nameOf(twice)} twice: give all its values at once`);
    },
  };
}

function parseVary(text: string): Vary {
  const place = text.indexOf('=');
  const typed = text.slice(0, Math.max(0, place)).trim();
  const values = text.slice(place + 1).split(',');
  if (typed === '' || values.some((value) => value.trim() === '')) {
    throw new UserError(`must be a setting and its values, such as lr=0.05,0.1, not "${text}"`);
  }
  const name = settingNamed(typed);
  const negated = /^-*no-/.test(typed.toLowerCase());
  const read = values.map((value) => valueNamed(name, value.trim(), negated));
  const texts = read.map((value) => JSON.stringify(value));
  const twice = texts.find((value, index) => texts.indexOf(value) !== index);
  if (twice !== undefined) throw new UserError(`has ${nameOf(name)} ${twice} twice`);
  return { [name]: read };
}

/** As its option is called: `lr`. */
function nameOf(name: GivenSetting): string {
  return optionName(name).slice(2);
}

function settingNamed(typed: string): VariedSetting {
  const plain = typed.replace(/^--?/, '').toLowerCase();
  const namesOf = (name: GivenSetting) => [
    nameOf(name),
    // `augment` beside `no-augment`.
    nameOf(name).replace(/^no-/, ''),
    name.toLowerCase(),
    ...(settingOf(name).option?.aliases ?? []),
  ];
  const known = GIVEN_SETTINGS.find((name) => namesOf(name).includes(plain));
  const varied = VARIED_SETTINGS.find((name) => name === known);
  if (varied) return varied;
  if (known === undefined) {
    const names = VARIED_SETTINGS.map(nameOf);
    throw new UserError(
      `names no setting with "${typed}": it is one of ${names.join(', ')}.${didYouMean(plain, names)}`,
    );
  }
  throw new UserError(refusal(known));
}

/** Options of their own, other images, and what changes no training. */
function refusal(name: GivenSetting): string {
  const own: { readonly [Name in GivenSetting]?: string } = {
    arch: 'cannot vary the network: give several with --archs',
    recipe: 'cannot vary the recipe: give several with --recipe',
    seed: 'cannot vary the seed: give several with --seeds',
    freeze: 'cannot vary freeze: a table begins with random weights',
  };
  const { changes } = settingOf(name);
  if (own[name] !== undefined) return own[name];
  return changes === 'images'
    ? `cannot vary ${nameOf(name)}, because a table compares runs on the same images: begin a table for each`
    : `cannot vary ${nameOf(name)}, because it makes no other training, so there is nothing to compare`;
}

function valueNamed(name: VariedSetting, text: string, negated: boolean): unknown {
  const { form } = settingOf(name);
  try {
    if (form?.kind === 'flag') return switchValue(text, !negated);
    return settingOption(name).parse(form?.kind === 'integers' ? text.replaceAll('+', ',') : text);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`varies ${nameOf(name)}, which ${error.message}`);
  }
}

/** `off` of `no-augment` is augmentation; of `augment` it is none. */
function switchValue(text: string, sets: boolean): boolean {
  const word = text.toLowerCase();
  if (['on', 'true', 'yes', '1'].includes(word)) return sets;
  if (['off', 'false', 'no', '0'].includes(word)) return !sets;
  throw new UserError(`must be on or off, not "${text}"`);
}
