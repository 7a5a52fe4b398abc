import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { MongoNetworkError, MongoNetworkTimeoutError, MongoServerError } from 'mongodb';
import { isConnectionLost, isDatabaseUnavailable } from './database-unavailable.js';

/** Errors of the driver's connection pool, which the driver doesn't export. */
const { PoolClearedOnNetworkError, PoolClosedError } = createRequire(import.meta.url)(
  'mongodb/lib/cmap/errors',
) as Record<'PoolClearedOnNetworkError' | 'PoolClosedError', new (pool: { readonly address: string }) => Error>;
const pool = { address: '127.0.0.1:27017' };
const serverError = (code: number, ...errorLabels: string[]) =>
  new MongoServerError({ message: 'no', code, errorLabels });

describe('isDatabaseUnavailable', () => {
  it.each([
    ['no server responds', new MongoNetworkError('connection closed')],
    ['the pool was cleared during a request, since the member is down', new PoolClearedOnNetworkError(pool)],
    ['a member has left the replica set', new PoolClosedError(pool)],
    ['a member is no longer primary', serverError(13_435)],
    ['a request was interrupted, since the member became a secondary', serverError(11_602)],
    ['a member is shutting down', serverError(91)],
    ['a new primary has no majority yet', serverError(134)],
    ['a request exceeded its time limit', serverError(50)],
    ['no majority acknowledged a write in time', serverError(64)],
    ['a cursor was on a member that is down', serverError(43)],
    ['a connection was closed by the server', Object.assign(new Error('ended by the other party'), { code: 'EPIPE' })],
    ['a transaction must be retried', serverError(112, 'TransientTransactionError')],
  ])('returns true when %s', (_, error) => {
    expect(isDatabaseUnavailable(error)).toBe(true);
  });

  it.each([
    ['a key exists already', serverError(11_000)],
    ['a request is invalid', serverError(2)],
    ['the error is not from MongoDB', new Error('no answer')],
  ])('returns false when %s', (_, error) => {
    expect(isDatabaseUnavailable(error)).toBe(false);
  });
});

describe('isConnectionLost', () => {
  it.each([
    ['a connection broke', new MongoNetworkError('read ECONNRESET'), true],
    ['the pool was cleared during a request', new PoolClearedOnNetworkError(pool), true],
    ['a broken connection failed while sending', Object.assign(new Error('ended'), { code: 'EPIPE' }), true],
    ['a member ceased to be the primary', serverError(11_602), true],
    ['a member did not respond in time', new MongoNetworkTimeoutError('timed out'), false],
    ['a request exceeded its time limit', serverError(50), false],
    ['a request is invalid', serverError(2), false],
  ])('when %s: %#', (_, error, expected) => {
    expect(isConnectionLost(error)).toBe(expected);
  });
});
