import { describe, expect, it } from '@jest/globals';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import { UndecodableOrderError } from '#orders/order/order-codec.js';
import { BulkUncertainError } from './bulk-insert.js';
import { OrderArchivedError, OrderConflictError, OrderRefusedError, OversizedOrderError } from './order-saver.js';
import { classifySaveFailure } from './save-failure.js';

describe('classifySaveFailure', () => {
  it.each([
    new UndecodableOrderError('malformed-avro', 'truncated'),
    new OversizedOrderError(20_000, 16_384),
    new OrderConflictError('other content'),
    new OrderArchivedError('archived'),
  ])('returns poison for a permanent fault of the record: %s', (error) => {
    expect(classifySaveFailure(error)).toBe('poison');
  });

  it('returns retriable if MongoDB rejects the document', () => {
    expect(classifySaveFailure(new OrderRefusedError('validator'))).toBe('retriable');
  });

  it.each([
    new BulkUncertainError('write concern'),
    new MongoNetworkError('connection reset'),
    new MongoServerError({ code: 10107, message: 'not primary' }),
    Object.assign(new TypeError('fetch failed'), {
      cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
    }),
    new Error('an unforeseen error'),
  ])('returns environment if a server may have caused the failure: %s', (error) => {
    expect(classifySaveFailure(error)).toBe('environment');
  });
});
