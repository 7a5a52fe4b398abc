import { display, isObject, type Check } from './value-checks.js';

/** What options may be. */
export interface OptionTable {
  /** A check for each option. */
  readonly checks: Readonly<Record<string, Check>>;
  readonly required?: readonly string[];
}

/**
 * Checks given options: JavaScript has no compiler that would, and a number from the environment may be `NaN`. An option that is
 * `undefined` counts as not given.
 * @throws TypeError for an unknown or missing option or a value of the wrong type, RangeError for a number out of bounds
 */
export function checkOptions(options: unknown, { checks, required = [] }: OptionTable): void {
  if (!isObject(options)) throw new TypeError(`the options must be an object, got ${display(options)}`);
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(checks, name)) throw new TypeError(unknownOption(name, Object.keys(checks)));
  }
  for (const [name, check] of Object.entries(checks)) {
    const value = options[name];
    if (value !== undefined) check(name, value);
    else if (required.includes(name)) throw new TypeError(`${name} is missing`);
  }
}

/**
 * Gives options their present names. An old name still works, so that an update of the engine needs no change at once.
 * @param renamed old names, with the present ones
 * @param warn is called once for each old name
 * @throws TypeError when both names of an option are given
 */
export function withPresentNames<T extends object>(
  options: T,
  renamed: Readonly<Record<string, string>>,
  warn: (old: string, present: string) => void,
): T {
  const entries = Object.entries(options);
  const given = new Set(entries.filter(([, value]) => value !== undefined).map(([name]) => name));
  return Object.fromEntries(
    entries.map(([name, value]): [string, unknown] => {
      const present = Object.hasOwn(renamed, name) ? renamed[name] : undefined;
      if (present === undefined || value === undefined) return [name, value];
      if (given.has(present)) throw new TypeError(`${name} is the old name of ${present}: give only ${present}`);
      warn(name, present);
      return [present, value];
    }),
  ) as T;
}

function unknownOption(name: string, options: readonly string[]): string {
  const meant = options.find((each) => each.toLowerCase() === name.toLowerCase());
  const help = meant === undefined ? `The options are ${options.join(', ')}` : `Did you mean ${meant}?`;
  return `${name} is not an option. ${help}`;
}
