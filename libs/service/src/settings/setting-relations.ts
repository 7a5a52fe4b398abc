import type { z } from 'zod';
import { describeSettings, documentedAt } from './setting-docs.js';
import type { GivenSettings } from './setting-files.js';

/**
 * Returns a line for each given setting that needs another one, or excludes one that is given too (`needs` and `excludes` of its
 * schema). A setting that could not be read counts as given: it has a line of its own.
 */
export function contradictions(schema: z.ZodObject, { values, faults }: GivenSettings): string[] {
  const isGiven = (name: string): boolean => values[name] !== undefined || faults.has(name);
  const isMet = (need: string): boolean => {
    const [name = '', value] = need.split('=');
    return faults.has(name) || (value === undefined ? values[name] !== undefined : values[name] === value);
  };
  return [...describeSettings(schema)]
    .filter(([name]) => isGiven(name))
    .flatMap(([name, { needs, excludes }]) => {
      const unmet = needs
        .filter((need) => !isMet(need))
        .map((need) => `${name} needs ${need}: set ${need}, or unset ${name} (${documentedAt(name)})`);
      const clashes = excludes
        .filter(isGiven)
        .map((other) => `${name} and ${other} exclude each other: unset one of them (${documentedAt(name)})`);
      return unmet.concat(clashes);
    });
}
