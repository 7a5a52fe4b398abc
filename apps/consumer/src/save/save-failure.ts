import { UndecodableOrderError } from '#orders/order/order-codec.js';
import type { FailureClassifier } from '@orders-pipeline/parallel-consumer';
import { OrderArchivedError, OrderConflictError, OrderRefusedError, OversizedOrderError } from './order-saver.js';

/**
 * Classifies a failed save. Only errors that the record certainly caused may count as attempts or dead-letter it. All others
 * come from MongoDB, the schema registry or the network; they say nothing about the order, and the save is retried for ever.
 */
export const classifySaveFailure: FailureClassifier = (error) => {
  if (error instanceof UndecodableOrderError || error instanceof OversizedOrderError) return 'poison';
  if (error instanceof OrderConflictError || error instanceof OrderArchivedError) return 'poison';
  if (error instanceof OrderRefusedError) return 'retriable';
  return 'environment';
};
