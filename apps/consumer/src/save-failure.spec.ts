import { describe, expect, it } from '@jest/globals';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import { UndecodableOrderError } from '#orders/order-codec.js';
import { BulkUncertainError } from './bulk-insert.js';
import { OrderConflictError, OrderRefusedError, OversizedOrderError } from './order-saver.js';
import { classifySaveFailure } from './save-failure.js';

describe('whose fault a failed save is', () => {
  it.each([
    new UndecodableOrderError('malformed-avro', 'truncated'),
    new OversizedOrderError(20_000, 16_384),
    new OrderConflictError('other content'),
  ])('is the record’s, for good: %s', (error) => {
    expect(classifySaveFailure(error)).toBe('poison');
  });

  it('is the record’s, perhaps not for good, when MongoDB refuses the document', () => {
    expect(classifySaveFailure(new OrderRefusedError('validator'))).toBe('retriable');
  });

  it.each([
    new BulkUncertainError('write concern'),
    new MongoNetworkError('connection reset'),
    new MongoServerError({ code: 10107, message: 'not primary' }),
    Object.assign(new TypeError('fetch failed'), {
      cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
    }),
    new Error('something nobody has thought of'),
  ])('is never the record’s when it may be a server’s: %s', (error) => {
    expect(classifySaveFailure(error)).toBe('environment');
  });
});
