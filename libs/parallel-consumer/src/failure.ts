/**
 * Whose fault a failed attempt is.
 * - `environment`: a database, broker or registry away. Says nothing about the record: no attempt is counted, the taking
 *   stops, and the record is tried again without end.
 * - `retriable`: the record's own, but another try may succeed: again after a back-off, up to `maxAttempts`.
 * - `poison`: the record's own, and the same however often it is tried: to the dead letters at once.
 */
export type FailureKind = 'environment' | 'retriable' | 'poison';

/** The one place that tells the three apart. Called with whatever the handler threw. */
export type FailureClassifier = (error: unknown) => FailureKind;

/** Errors that mean that a server could not be reached, by Node's own codes. */
const NETWORK_CODES = new Set([
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

/** The default: network errors (also as a `cause`) are the environment's, all else may pass on another try. */
export const classifyByNetworkCode: FailureClassifier = (error) => {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && NETWORK_CODES.has(String(cause.code))) return 'environment';
  return 'retriable';
};

/** Returns a classifier that never throws: where `classify` does, `onDefect` receives why, and the failure is retriable. */
export function withoutThrowing(
  classify: FailureClassifier,
  onDefect: (defect: unknown, error: unknown) => void,
): FailureClassifier {
  return (error) => {
    try {
      return classify(error);
    } catch (defect) {
      onDefect(defect, error);
      return 'retriable';
    }
  };
}

/** What is told of an error in a header or a log: its stable code where it has one, else its class. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
