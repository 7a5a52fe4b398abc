import { UndecodableOrderError } from '#orders/order-codec.js';
import type { FailureClassifier } from '#parallel-consumer/failure.js';
import { OrderConflictError, OrderRefusedError, OversizedOrderError } from './order-saver.js';

/**
 * Whose fault a failed save is. Only what is certainly the record's own may count as an attempt or dead-letter it: what
 * isn't named here comes from MongoDB, the registry or the network, says nothing about the order, and is tried without end.
 */
export const classifySaveFailure: FailureClassifier = (error) => {
  if (error instanceof UndecodableOrderError || error instanceof OversizedOrderError) return 'poison';
  if (error instanceof OrderConflictError) return 'poison';
  if (error instanceof OrderRefusedError) return 'retriable';
  return 'environment';
};
