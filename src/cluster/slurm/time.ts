// Times as Slurm writes them: `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`,
// `days-hours:minutes`, `days-hours:minutes:seconds`.

import { UserError } from '../../util/errors.ts';

const DAY = 24 * 3600;

/** Seconds; undefined where it is no time of Slurm's. */
export function parseTime(text: string): number | undefined {
  const match = /^(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$/.exec(text.trim());
  if (!match) return undefined;
  const [, days, ...parts] = match;
  const numbers = parts.filter((part) => part !== undefined).map(Number);
  if (days !== undefined) {
    const [hours = 0, minutes = 0, seconds = 0] = numbers;
    return Number(days) * DAY + hours * 3600 + minutes * 60 + seconds;
  }
  const [first = 0, second = 0, third] = numbers;
  return third === undefined ? first * 60 + second : first * 3600 + second * 60 + third;
}

/** `4:00:00`, `2-00:00:00`; whole minutes, as Slurm counts them. */
export function formatTime(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = `${two(minutes % 60)}:00`;
  return days > 0 ? `${days}-${two(hours)}:${clock}` : `${hours}:${clock}`;
}

/** One value for all, and others for some networks: `4:00:00,resnet1202=2-00:00:00`. */
export interface ByNetwork {
  readonly all?: string;
  readonly networks: Readonly<Record<string, string>>;
}

/**
 * Reads `VALUE[,NETWORK=VALUE...]`; the value alone may be left away.
 * @param isValid whether a value is one
 * @throws UserError that completes "--time ..."
 */
export function parseByNetwork(
  text: string,
  isValid: (value: string) => boolean,
  example: string,
): ByNetwork {
  const networks: Record<string, string> = {};
  let all: string | undefined;
  for (const part of text.split(',')) {
    const [name, value, ...more] = part.includes('=') ? part.split('=') : [undefined, part];
    const isTwice = name === undefined ? all !== undefined : name in networks;
    if (value === undefined || more.length > 0 || isTwice || !isValid(value.trim())) {
      throw new UserError(`must be ${example}, not "${text}"`);
    }
    if (name === undefined) all = value.trim();
    else networks[name.trim()] = value.trim();
  }
  return { ...(all !== undefined && { all }), networks };
}

export function ofNetwork({ all, networks }: ByNetwork, arch: string): string | undefined {
  return networks[arch] ?? all;
}
