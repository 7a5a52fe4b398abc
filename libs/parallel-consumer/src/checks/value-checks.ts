/** Throws a TypeError or a RangeError that names the option and what it must be. */
export type Check = (name: string, value: unknown) => void;

/** The longest time that a timer of Node.js can wait, in ms: about 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @throws RangeError for a value that is not an integer of at least 1 */
export const positiveInteger: Check = (name, value) => {
  if (!Number.isSafeInteger(value) || Number(value) < 1) throw outOfRange(name, 'an integer of at least 1', value);
};

export const positiveIntegerOrAuto: Check = (name, value) => {
  if (value !== 'auto') positiveInteger(name, value);
};

/** How many of something in a second. */
export const rate: Check = (name, value) => {
  if (!(Number.isFinite(value) && Number(value) > 0)) throw outOfRange(name, 'a number above 0', value);
};

/** A time that is compared with the clock; `Infinity`: never. */
export const period: Check = (name, value) => {
  if (!(typeof value === 'number' && value > 0)) throw outOfRange(name, 'a number of ms above 0', value);
};

/** A time for which a timer runs. */
export const timer =
  (least: number): Check =>
  (name, value) => {
    if (!(typeof value === 'number' && value >= least && value <= LONGEST_TIMER_MS))
      throw outOfRange(name, `a number of ms from ${least} to ${LONGEST_TIMER_MS}`, value);
  };

export const share: Check = (name, value) => {
  if (!(typeof value === 'number' && value >= 0 && value <= 1)) throw outOfRange(name, 'from 0 to 1', value);
};

export const backOff: Check = (name, value) => {
  if (!isObject(value)) throw wrongType(name, 'an object with initialMs and maxMs', value);
  timer(1)(`${name}.initialMs`, value['initialMs']);
  timer(1)(`${name}.maxMs`, value['maxMs']);
};

export const oneOf =
  (...allowed: readonly string[]): Check =>
  (name, value) => {
    if (!allowed.includes(value as string)) throw wrongType(name, `one of ${allowed.join(', ')}`, value);
  };

export const ofType =
  (type: 'function' | 'boolean'): Check =>
  (name, value) => {
    if (typeof value !== type) throw wrongType(name, `a ${type}`, value);
  };

export const text: Check = (name, value) => {
  if (typeof value !== 'string' || value === '') throw wrongType(name, 'a non-empty text', value);
};

/** A key as text or bytes. */
export const keyBytes: Check = (name, value) => {
  if (typeof value !== 'string' && !Buffer.isBuffer(value)) throw wrongType(name, 'a text or a Buffer', value);
};

export const withFunctions =
  (...names: readonly string[]): Check =>
  (name, value) => {
    if (!isObject(value) || names.some((each) => typeof value[each] !== 'function'))
      throw wrongType(name, `an object with the functions ${names.join(', ')}`, value);
  };

/** What implements `Broker`. JavaScript has no compiler that would find a missing argument. */
export const aBroker: Check = (name, value) => {
  if (value === undefined) throw new TypeError(`${name} is missing`);
  withFunctions('partitionCount', 'start', 'committed', 'read', 'commit', 'publish', 'stop')(name, value);
};

/** An object with some of these functions, and nothing else. */
export const withOptionalFunctions =
  (...names: readonly string[]): Check =>
  (name, value) => {
    if (!isObject(value) || Object.values(value).some((each) => each !== undefined && typeof each !== 'function'))
      throw wrongType(name, `an object with functions of ${names.join(', ')}`, value);
    const unknown = isPlain(value) ? Object.keys(value).find((each) => !names.includes(each)) : undefined;
    if (unknown !== undefined)
      throw new TypeError(`${name}.${unknown} is never called. It may have ${names.join(', ')}`);
  };

/** `host:port` of at least one server. */
export const addresses: Check = (name, value) => {
  const example = `a list of addresses such as ['localhost:9092']`;
  if (!Array.isArray(value) || value.length === 0) throw wrongType(name, example, value);
  const wrong: unknown = value.find((each) => typeof each !== 'string' || !isAddress(each));
  if (wrong !== undefined) throw wrongType(name, example, wrong);
};

/** A value that another library checks. */
export const unchecked: Check = () => undefined;

function isAddress(given: string): boolean {
  const port = /^.+:(\d{1,5})$/.exec(given)?.[1];
  return port !== undefined && Number(port) <= 65_535;
}

/** Whether an object is a literal: instances of classes may have fields of their own. */
function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function wrongType(name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`${name} must be ${expected}, got ${display(value)}`);
}

function outOfRange(name: string, expected: string, value: unknown): RangeError {
  return new RangeError(`${name} must be ${expected}, got ${display(value)}`);
}

/** Shows a value in a message. */
export function display(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
