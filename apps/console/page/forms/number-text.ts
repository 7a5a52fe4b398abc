const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 20 });

/** What a number field accepts; both ends are included. */
export interface NumberRule {
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
}

/** `value` is `undefined` for an empty field. `fault` ends a sentence that begins with the name of the field. */
export type ReadNumber =
  | { readonly value: number | undefined; readonly fault?: undefined }
  | { readonly fault: string; readonly value?: undefined };

/** Groups of three digits, separated by commas or spaces, the no-break spaces of other languages included. */
const GROUPED = /^\d{1,3}(?:[, \u00a0\u202f]\d{3})+(?:\.\d+)?$/;
const SEPARATORS = /[, \u00a0\u202f]/g;
const NUMBER = /^(?:\d+(?:\.\d*)?|\.\d+)$/;
/** In many languages a point separates thousands: `100.000` must not become 100. */
const POINT = '.';

/** Reads the text of a number field: `100000`, `100,000`, ` 100 000 `. A whole number has no point. */
export function readNumber(text: string, rule: NumberRule): ReadNumber {
  const given = text.trim();
  if (given === '') return { value: undefined };
  const value = toNumber(given);
  const hasParts = given.includes(POINT) || !Number.isInteger(value);
  const isFit = value !== undefined && value >= rule.min && value <= rule.max && !(rule.isWhole && hasParts);
  return isFit ? { value } : { fault: `must be ${allowed(rule)}, got ${quoted(given)}` };
}

/** Reads a number with or without separators. Returns `undefined` for any other text. */
export function toNumber(text: string): number | undefined {
  const digits = GROUPED.test(text) ? text.replaceAll(SEPARATORS, '') : text;
  return NUMBER.test(digits) ? Number(digits) : undefined;
}

/** Formats a number as a field shows it, such as `100,000`. */
export function fieldText(value: number): string {
  return plain.format(value);
}

/** Says what a rule allows, such as `a whole number from 1 to 100`. */
export function allowed({ min, max, isWhole }: NumberRule): string {
  return `${isWhole ? 'a whole number' : 'a number'} from ${plain.format(min)} to ${plain.format(max)}`;
}

const SHOWN = 40;

/** Quotes what was typed, cut to a length that a message can show. */
export function quoted(text: string): string {
  return `“${text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}”`;
}
