import {
  backOff,
  display,
  isObject,
  oneOf,
  ofType,
  period,
  positiveInteger,
  positiveIntegerOrAuto,
  share,
  text,
  timer,
  withFunctions,
  type Check,
} from './checks/value-checks.js';

/**
 * Checks the given options: JavaScript has no compiler that would, and a number from the environment may be `NaN`.
 * @param renamed former options, with their present names
 * @throws TypeError for an unknown option or a value of the wrong type, RangeError for a number out of bounds
 */
export function checkOptions<T extends object>(
  options: T,
  checks: Readonly<Record<keyof T, Check>>,
  renamed: Readonly<Record<string, string>>,
): void {
  if (!isObject(options)) throw new TypeError(`the options must be an object, got ${display(options)}`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(renamed, name)) throw new TypeError(`${name} was renamed: set ${renamed[name]} instead`);
    if (!Object.hasOwn(checks, name)) throw new TypeError(unknownOption(name, Object.keys(checks)));
  }
  for (const [name, check] of Object.entries<Check>(checks)) {
    const value: unknown = options[name];
    if (value !== undefined) check(name, value);
    else if (REQUIRED.has(name)) throw new TypeError(`${name} is missing`);
  }
}

const REQUIRED = new Set(['handler', 'logger']);

/** A check for each option of the consumer. */
export const OPTION_CHECKS = {
  handler: ofType('function'),
  logger: withFunctions('info', 'warn', 'error'),
  deadLetterTopic: text,
  onDeadLetter: oneOf('publish', 'stop'),
  maxAttempts: positiveInteger,
  attemptTimeoutMs: period,
  attemptGraceMs: timer(0),
  classify: ofType('function'),
  retryBackOff: backOff,
  environmentBackOff: backOff,
  poisonShare: share,
  stalledRecordWarnMs: period,
  stalledRecordDeadLetterMs: period,
  ordering: oneOf('key', 'partition', 'unordered'),
  inFlight: positiveIntegerOrAuto,
  maxInFlight: positiveInteger,
  maxBuffered: positiveInteger,
  maxBytes: positiveInteger,
  maxUncommittedOffsets: positiveInteger,
  commitIntervalMs: timer(1),
  commitCompletedOffsets: ofType('boolean'),
  onDeletedRecords: oneOf('stop', 'skip'),
  onTruncatedLog: oneOf('stop', 'reset'),
  drainTimeoutMs: timer(0),
  observer: withFunctions(),
  clock: withFunctions('now', 'after'),
  random: ofType('function'),
} satisfies Record<string, Check>;

function unknownOption(name: string, options: readonly string[]): string {
  const meant = options.find((each) => each.toLowerCase() === name.toLowerCase());
  const help = meant === undefined ? `The options are ${options.join(', ')}` : `Did you mean ${meant}?`;
  return `${name} is not an option. ${help}`;
}
