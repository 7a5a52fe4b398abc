import { display } from '../checks/value-checks.js';

/**
 * The cause of a failed attempt.
 * - `environment`: a dependency is unavailable, such as a database, a broker or a registry. The failure says nothing about the
 *   record: no attempt is counted, the consumer takes no more records, and the record is retried without limit.
 * - `retriable`: the record caused the failure, but a retry may succeed. It is retried with back-off, up to `maxAttempts`.
 * - `poison`: the record is invalid, and every retry would fail. It is dead-lettered immediately.
 *
 * After an `environment` failure, failures of all kinds say nothing about their records until a later attempt has succeeded.
 */
export type FailureKind = 'environment' | 'retriable' | 'poison';

/** Classifies the error that the handler threw. */
export type FailureClassifier = (error: unknown) => FailureKind;

/** Codes of Node.js for a server that could not be reached, and of the engine for failures that say nothing about the record. */
const ENVIRONMENT_CODES = new Set([
  'attempt-timeout',
  'attempt-abandoned',
  'batch-results',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * The default classifier. These are `environment`, also as a `cause`: network errors of Node.js, an attempt beyond its time limit (most
 * likely a dependency hangs), and a batch handler without usable results. All others are `retriable`.
 */
export const classifyByNetworkCode: FailureClassifier = (error) => {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && ENVIRONMENT_CODES.has(String(cause.code))) return 'environment';
  return 'retriable';
};

const KINDS: ReadonlySet<unknown> = new Set<FailureKind>(['environment', 'retriable', 'poison']);

/** Returns a classifier that never throws: when `classify` throws or returns no kind, it calls `onDefect` and returns `retriable`. */
export function withoutThrowing(
  classify: FailureClassifier,
  onDefect: (defect: unknown, error: unknown) => void,
): FailureClassifier {
  return (error) => {
    try {
      const kind = classify(error);
      if (!KINDS.has(kind)) throw new TypeError(`${display(kind)} is none of ${[...KINDS].join(', ')}`);
      return kind;
    } catch (defect) {
      onDefect(defect, error);
      return 'retriable';
    }
  };
}

/** Returns an error's identifier for headers and logs: its `code` if it has one, otherwise its class name. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Returns an error's code and message for a log. The message has no class name in front, because the code names the error. */
export function errorDetails(error: unknown): { readonly code: string; readonly reason: string } {
  if (!(error instanceof Error)) return { code: errorCode(error), reason: String(error) };
  // An AggregateError of a failed connection has no message.
  return { code: errorCode(error), reason: error.message === '' ? error.name : error.message };
}
