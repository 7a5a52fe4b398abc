import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import { isDatabaseAway } from './database-away.js';

/** Errors of the driver's pool of connections, which it doesn't export. */
const { PoolClearedOnNetworkError, PoolClosedError } = createRequire(import.meta.url)(
  'mongodb/lib/cmap/errors',
) as Record<'PoolClearedOnNetworkError' | 'PoolClosedError', new (pool: { readonly address: string }) => Error>;
const pool = { address: '127.0.0.1:27017' };
const answered = (code: number, ...errorLabels: string[]) => new MongoServerError({ message: 'no', code, errorLabels });

describe('an error of MongoDB', () => {
  it.each([
    ['no server answers', new MongoNetworkError('connection closed')],
    ['a member was given up while it was being asked', new PoolClearedOnNetworkError(pool)],
    ['a member has left the set', new PoolClosedError(pool)],
    ['a member is no primary any more', answered(13_435)],
    ['a question was broken off, since the member became a secondary', answered(11_602)],
    ['a member is about to end', answered(91)],
    ['a new primary knows no majority yet', answered(134)],
    ['a question has taken too long', answered(50)],
    ['no majority has taken a write in time', answered(64)],
    ['a cursor was on a member that is gone', answered(43)],
    [
      'a connection was closed by the other end',
      Object.assign(new Error('ended by the other party'), { code: 'EPIPE' }),
    ],
    ['a transaction must be tried again', answered(112, 'TransientTransactionError')],
  ])('says that the database is away when %s', (_, error) => {
    expect(isDatabaseAway(error)).toBe(true);
  });

  it.each([
    ['a key is there already', answered(11_000)],
    ['a question can not be understood', answered(2)],
    ['it is none', new Error('no answer')],
  ])('does not when %s', (_, error) => {
    expect(isDatabaseAway(error)).toBe(false);
  });
});
