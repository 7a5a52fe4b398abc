/** Shown for an unknown value, never 0. */
export const UNKNOWN = '–';

const integer = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  return (Math.abs(value) < 10 ? fine : integer).format(value);
}

const share = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 2 });

/** Formats a fraction, such as 0.005 as `0.5 %`. */
export function percent(fraction: number): string {
  return share.format(fraction).replace('%', ' %');
}

/** Groups the digits of a decimal of the API, such as `18,735.0000`, without a detour over a float. */
export function amount(decimal: string): string {
  return decimal.replace(/^[+-]?\d+/, (whole) => whole.replaceAll(/\B(?=(\d{3})+$)/g, ','));
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** Formats a time in seconds, such as `1 min 20 s`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  const whole = Math.round(seconds);
  if (whole < MINUTE) return `${figure(seconds)} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${whole % MINUTE} s`;
  const minutes = Math.round(seconds / MINUTE);
  return `${Math.floor(minutes / MINUTE)} h ${minutes % MINUTE} min`;
}

/** Formats a time in milliseconds that may be short, such as `12 ms`. */
export function elapsed(milliseconds: number): string {
  return milliseconds < 1_000 ? `${integer.format(milliseconds)} ms` : duration(milliseconds / 1_000);
}

/** Formats a time of the API, such as `2026-01-31 12:00:05.250 UTC`. */
export function momentWithMs(text: string): string {
  return `${new Date(text).toISOString().slice(0, -1).replace('T', ' ')} UTC`;
}

/** Formats a time of the API, such as `2026-01-31 12:00:05 UTC`. Days have the form in which the search expects them. */
export function moment(text: string | null | undefined): string {
  if (text === null || text === undefined) return UNKNOWN;
  return `${new Date(text).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${integer.format(count)} ${count === 1 ? one : many}`;
}

/** Formats an in-flight limit. @param limit `null`: the consumers have different ones */
export function limitText(limit: number | 'auto' | null): string {
  return limit === null ? 'mixed' : typeof limit === 'number' ? figure(limit) : limit;
}

/**
 * Names an order of an operation by its number, or by its place when the number is unknown.
 * @param index the index in the operation, from 0
 * @param firstNumber the number of the operation's first order; `null`: unknown
 */
export function orderName(index: number, firstNumber: number | null): string {
  return firstNumber === null ? `record ${figure(index + 1)}` : `order number ${figure(firstNumber + index)}`;
}

const SHOWN = 40;

/** Quotes what was typed, cut to a length that a message can show. */
export function quoted(text: string): string {
  return `“${text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}”`;
}
