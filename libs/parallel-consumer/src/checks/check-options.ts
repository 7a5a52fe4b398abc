import { display, isObject, type Check } from './value-checks.js';

/** What options may be. */
export interface OptionTable {
  /** A check for each option. */
  readonly checks: Readonly<Record<string, Check>>;
  readonly required?: readonly string[];
  /** Former options, with their present names. */
  readonly renamed?: Readonly<Record<string, string>>;
}

/**
 * Checks given options: JavaScript has no compiler that would, and a number from the environment may be `NaN`. An option that is
 * `undefined` counts as not given.
 * @throws TypeError for an unknown or missing option or a value of the wrong type, RangeError for a number out of bounds
 */
export function checkOptions(options: unknown, { checks, required = [], renamed = {} }: OptionTable): void {
  if (!isObject(options)) throw new TypeError(`the options must be an object, got ${display(options)}`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(renamed, name)) throw new TypeError(`${name} was renamed: set ${renamed[name]} instead`);
    if (!Object.hasOwn(checks, name)) throw new TypeError(unknownOption(name, Object.keys(checks)));
  }
  for (const [name, check] of Object.entries(checks)) {
    const value = options[name];
    if (value !== undefined) check(name, value);
    else if (required.includes(name)) throw new TypeError(`${name} is missing`);
  }
}

function unknownOption(name: string, options: readonly string[]): string {
  const meant = options.find((each) => each.toLowerCase() === name.toLowerCase());
  const help = meant === undefined ? `The options are ${options.join(', ')}` : `Did you mean ${meant}?`;
  return `${name} is not an option. ${help}`;
}
