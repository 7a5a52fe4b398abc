import { z } from 'zod';

interface Limits {
  readonly minimum: number;
  readonly maximum: number;
}

/** Validates an integer in a JSON body. */
export function bodyInteger(minimum: number, maximum: number) {
  const error = `must be an integer ${between({ minimum, maximum })}`;
  return z.int(error).min(minimum, error).max(maximum, error);
}

/** Validates a number in a JSON body. */
export function bodyNumber(minimum: number, maximum: number) {
  const error = `must be a number ${between({ minimum, maximum })}`;
  return z.number(error).min(minimum, error).max(maximum, error);
}

/** Parses an integer in a query. Only digits are allowed, so `1e3`, `0x10`, `-0` and ` 1` are rejected. */
export function queryInteger(minimum: number, maximum: number) {
  return queryValue(/^\d{1,16}$/, { minimum, maximum }, { type: 'integer', text: 'an integer' });
}

/** Parses a number in a query, with up to three decimal places and without an exponent. */
export function queryNumber(minimum: number, maximum: number) {
  return queryValue(/^\d{1,16}(\.\d{1,3})?$/, { minimum, maximum }, { type: 'number', text: 'a number' });
}

/** Parses the number of items per page. */
export function pageSizeParameter(items: string, { maximum, byDefault }: { maximum: number; byDefault: number }) {
  const description = `${items} per page, 1 to ${maximum.toLocaleString('en-US')}. Default: ${byDefault}.`;
  // JSON Schema gets the default only from here: that of a transformed value is an output.
  return queryInteger(1, maximum).default(byDefault).meta({ default: byDefault, description });
}

/** Keeps a rejected value as a text. Checks of several fields then skip it, because they compare only numbers. */
function queryValue(form: RegExp, limits: Limits, { type, text }: { type: 'integer' | 'number'; text: string }) {
  const digitsOnly = type === 'integer' ? ', in digits only' : '';
  const rule = (shown: string): string => `must be ${text} ${shown}${digitsOnly}`;
  const isAllowed = (value: number): boolean => value >= limits.minimum && value <= limits.maximum;
  return z
    .string()
    .refine((given) => form.test(given) && isAllowed(Number(given)), {
      error: ({ input }) => rule(Number(input) > limits.maximum ? fromTo(limits) : between(limits)),
    })
    .transform(Number)
    .meta({ type, ...limits });
}

function between(limits: Limits): string {
  // The limit of JavaScript is only for those who exceed it.
  return limits.maximum === Number.MAX_SAFE_INTEGER ? `of at least ${limits.minimum}` : fromTo(limits);
}

function fromTo({ minimum, maximum }: Limits): string {
  return `from ${minimum.toLocaleString('en-US')} to ${maximum.toLocaleString('en-US')}`;
}
