// What objects of optional settings need.

/** An object without the keys whose value is undefined, so that spreading it replaces nothing else. */
export function withoutUndefined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}

/** The part of an object under some keys, where it has them. */
export function pick<T extends object, Key extends keyof T>(
  object: T,
  keys: readonly Key[],
): { [Name in Key]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(
    keys.flatMap((key) => (object[key] === undefined ? [] : [[key, object[key]]])),
  ) as { [Name in Key]?: Exclude<T[Name], undefined> };
}
