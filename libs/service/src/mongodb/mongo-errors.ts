import {
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoServerError,
} from 'mongodb';

/** Names of driver errors without a usable server. Matched by name, since the driver doesn't export its pool errors' classes. */
const UNREACHABLE =
  /^Mongo(ServerSelection|WaitQueue|OperationTimeout|TopologyClosed|ServerClosed|NotConnected|PoolClosed)/;
const LABELS = ['RetryableWriteError', 'TransientTransactionError', 'UnknownTransactionCommitResult'];

/**
 * Error codes of a server that is shutting down or is not the primary. All but the last are from MongoDB's specification of
 * retryable reads (retryable-reads.md): the driver retries once and then throws the error.
 */
const LOST_PRIMARY = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  91, // ShutdownInProgress
  189, // PrimarySteppedDown
  9_001, // SocketException
  10_107, // NotWritablePrimary
  11_600, // InterruptedAtShutdown
  11_602, // InterruptedDueToReplStateChange
  13_435, // NotPrimaryNoSecondaryOk
  13_436, // NotPrimaryOrSecondary
  43, // CursorNotFound: the cursor was on a server that is down
]);

/** Error codes of a server that has waited in vain, for a majority or until a time limit. */
const WAITED_IN_VAIN = new Set([
  50, // MaxTimeMSExpired: the request exceeded its time limit
  64, // WriteConcernTimeout: no majority has acknowledged the write yet
  89, // NetworkTimeout
  100, // UnsatisfiableWriteConcern
  134, // ReadConcernMajorityNotAvailableYet
  262, // ExceededTimeLimit
]);

/** Socket errors of a connection that the server closed: the driver (7.9) throws them as they are while it sends, and doesn't retry. */
const SOCKET_CODES = new Set<unknown>(['EPIPE', 'ECONNRESET']);

/** Returns whether the error means that MongoDB is temporarily unavailable, so that the same request may succeed later. */
export function isDatabaseUnavailable(error: unknown): error is Error {
  if (isConnectionLost(error)) return true;
  if (!(error instanceof MongoError)) return false;
  if (error instanceof MongoNetworkError || UNREACHABLE.test(error.name)) return true;
  if (LABELS.some((label) => error.hasErrorLabel(label))) return true;
  return WAITED_IN_VAIN.has(Number(error.code));
}

/**
 * Returns whether the error came at once, from a connection that broke or a member that ceased to be the primary. The same read
 * then waits for a new primary. A time-out is not one: repeating it would take as long again.
 */
export function isConnectionLost(error: unknown): error is Error {
  if (!(error instanceof MongoError)) return error instanceof Error && 'code' in error && SOCKET_CODES.has(error.code);
  // By class: the network error for a cleared pool does not have a name of the pattern.
  if (error instanceof MongoNetworkError) return !(error instanceof MongoNetworkTimeoutError);
  return LOST_PRIMARY.has(Number(error.code));
}

export const DUPLICATE_KEY = 11_000;

/** Returns whether a write failed because another document has the same value of a unique index, such as the same `_id`. */
export function isDuplicateKey(error: unknown): error is MongoServerError {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY;
}

/** Returns whether a bulk failed only because some of its documents existed already: all others are stored with the write concern. */
export function hasOnlyDuplicates(error: unknown): boolean {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined) return false;
  const failures = [error.writeErrors].flat();
  return failures.length > 0 && failures.every(({ code }) => code === DUPLICATE_KEY);
}
