import { handlers } from './attempts/topic-handlers.js';
import {
  backOff,
  oneOf,
  ofType,
  period,
  positiveInteger,
  positiveIntegerOrAuto,
  share,
  text,
  timer,
  withFunctions,
  withOptionalFunctions,
  type Check,
} from './checks/value-checks.js';

/** A check for each option of the consumer. */
export const OPTION_CHECKS = {
  handler: handlers,
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
  suspensionDeadLetterMs: period,
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
  observer: withOptionalFunctions('attempted', 'committed', 'rebalanced'),
  tracer: withFunctions('taken'),
  clock: withFunctions('now', 'after'),
  random: ofType('function'),
} satisfies Record<string, Check>;

/** Options without a default. */
export const REQUIRED_OPTIONS = ['handler', 'logger'];
