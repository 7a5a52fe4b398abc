import { MongoError, MongoNetworkError } from 'mongodb';

/** By the driver's own word: no server answers, or none that it may ask. By name, since it doesn't export the classes of its pools' errors. */
const UNREACHED =
  /^Mongo(ServerSelection|WaitQueue|OperationTimeout|TopologyClosed|ServerClosed|NotConnected|PoolClosed)/;
const LABELS = ['RetryableWriteError', 'TransientTransactionError', 'UnknownTransactionCommitResult'];

/**
 * Of a server that is about to end, that is no primary any more or not yet one, or whose majority is away. All but the last four are those of MongoDB's
 * specification of retryable reads (retryable-reads.md): the driver tries once more by itself, and then they come to whoever asked.
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
  43, // CursorNotFound: it was on a server that is gone
  50, // MaxTimeMSExpired: the time limit of a question
  64, // WriteConcernTimeout: no majority has it yet
  100, // UnsatisfiableWriteConcern
]);

/** Of a connection that the other end has closed: the driver (7.9) lets the socket's own error through when it writes to one, and doesn't try again. */
const SOCKET_CODES = new Set<unknown>(['EPIPE', 'ECONNRESET']);

/** Whether an error says that MongoDB can't be asked now, and can be in a while: nothing is wrong with the question. */
export function isDatabaseAway(error: unknown): error is Error {
  if (!(error instanceof MongoError)) return error instanceof Error && 'code' in error && SOCKET_CODES.has(error.code);
  // These by their class: the one for a member that its monitor has given up is not named like the others.
  if (error instanceof MongoNetworkError || UNREACHED.test(error.name)) return true;
  if (LABELS.some((label) => error.hasErrorLabel(label))) return true;
  return CODES.has(Number(error.code));
}
