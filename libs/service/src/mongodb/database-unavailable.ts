import { MongoError, MongoNetworkError } from 'mongodb';

/** Names of driver errors without a usable server. Matched by name, since the driver doesn't export its pool errors' classes. */
const UNREACHABLE =
  /^Mongo(ServerSelection|WaitQueue|OperationTimeout|TopologyClosed|ServerClosed|NotConnected|PoolClosed)/;
const LABELS = ['RetryableWriteError', 'TransientTransactionError', 'UnknownTransactionCommitResult'];

/**
 * Error codes of a server that is shutting down, is not the primary, or has lost its majority. All but the last four are from
 * MongoDB's specification of retryable reads (retryable-reads.md): the driver retries once and then throws the error.
 */
const CODES = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  89, // NetworkTimeout
  91, // ShutdownInProgress
  134, // ReadConcernMajorityNotAvailableYet
  189, // PrimarySteppedDown
  262, // ExceededTimeLimit
  9_001, // SocketException
  10_107, // NotWritablePrimary
  11_600, // InterruptedAtShutdown
  11_602, // InterruptedDueToReplStateChange
  13_435, // NotPrimaryNoSecondaryOk
  13_436, // NotPrimaryOrSecondary
  43, // CursorNotFound: the cursor was on a server that is down
  50, // MaxTimeMSExpired: the request exceeded its time limit
  64, // WriteConcernTimeout: no majority has acknowledged the write yet
  100, // UnsatisfiableWriteConcern
]);

/** Socket errors of a connection that the server closed: on a write, the driver (7.9) throws them as they are and doesn't retry. */
const SOCKET_CODES = new Set<unknown>(['EPIPE', 'ECONNRESET']);

/** Returns whether the error means that MongoDB is temporarily unavailable, so that the same request may succeed later. */
export function isDatabaseUnavailable(error: unknown): error is Error {
  if (!(error instanceof MongoError)) return error instanceof Error && 'code' in error && SOCKET_CODES.has(error.code);
  // By class: the network error for a cleared pool does not have a name of the pattern.
  if (error instanceof MongoNetworkError || UNREACHABLE.test(error.name)) return true;
  if (LABELS.some((label) => error.hasErrorLabel(label))) return true;
  return CODES.has(Number(error.code));
}
