import { wholeNumber } from './settings.js';

type Setting = ReturnType<typeof limit>;

/**
 * The settings of `Places`: the most requests of a kind that may be in progress at once.
 * @param name the begin of both names, such as `EXPORTS` for `EXPORTS_PER_CALLER` and `EXPORTS_IN_TOTAL`
 * @param what the requests, in the plural
 */
export function placeSettings<Name extends string>(
  name: Name,
  what: string,
  defaults: { readonly perCaller: number; readonly inTotal: number },
): Record<`${Name}_PER_CALLER` | `${Name}_IN_TOTAL`, Setting> {
  return {
    [`${name}_PER_CALLER`]: limit(defaults.perCaller, `${what} of one caller at once, at each process; 0: no limit.`),
    [`${name}_IN_TOTAL`]: limit(defaults.inTotal, `${what} of all callers at once, at each process; 0: no limit.`),
  } as Record<`${Name}_PER_CALLER` | `${Name}_IN_TOTAL`, Setting>;
}

function limit(byDefault: number, description: string) {
  return wholeNumber(0, 1_000_000).default(byDefault).meta({ description });
}

/** The settings of every service with event streams. */
export const eventStreamSettings = placeSettings('EVENT_STREAMS', 'Event streams', { perCaller: 32, inTotal: 1_000 });
