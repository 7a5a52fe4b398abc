import { ofType } from '../checks/value-checks.js';
import type { OpenRecord, RecordHandler } from './record-handler.js';

/** A record handler that also works without a promise for each record. */
export interface ReportingHandler extends RecordHandler {
  /** Starts the attempt of a record. An error that it throws fails the attempt. */
  readonly start: (item: OpenRecord) => void;
}

/** Those that `reportingHandler` created: any function may have a property `start`. */
const created = new WeakSet<RecordHandler>();

/**
 * Creates a handler that calls `report` of a record instead of returning a promise. Of the memory of a record in flight, 40 % are the
 * promises and closures of its attempt, which counts with ten thousand records.
 *
 * The engine calls `start` only, so a wrapper that calls the handler as a function needs the promises again.
 * Not guaranteed: that an error which is thrown after `start` has returned, such as in a timer, fails the attempt. Report it.
 * @param start must lead to a `report` of each record; until then, or until the time limit of attempts, the record stays in flight
 * @throws TypeError when `start` is no function
 */
export function reportingHandler(start: (item: OpenRecord) => void): ReportingHandler {
  ofType('function')('start', start);
  const handler: RecordHandler = async (record, attempt) =>
    new Promise((resolve, reject) => {
      const report = (error?: Error): void => (error === undefined ? resolve() : reject(error));
      start({ record, attempt, report });
    });
  created.add(handler);
  return Object.assign(handler, { start });
}

/** Returns what starts an attempt with any handler. */
export function startOf(handler: RecordHandler): (item: OpenRecord) => void {
  if (created.has(handler)) return (handler as ReportingHandler).start;
  return (item) => {
    Promise.resolve(handler(item.record, item.attempt)).then(
      () => item.report(),
      (error: unknown) => item.report(reasonOf(error)),
    );
  };
}

/** Returns what was thrown, so that its report is a failure: JavaScript also throws `undefined`. */
export function reasonOf(thrown: unknown): Error {
  return (thrown ?? new Error('the attempt failed without an error')) as Error;
}
