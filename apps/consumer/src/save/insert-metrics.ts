import { Counter, Histogram, type Registry } from 'prom-client';
import type { OrderDocument } from '#orders/order/order-document.js';
import type { InsertResult } from './bulk-insert.js';

type Insert = (documents: readonly OrderDocument[]) => Promise<readonly InsertResult[]>;

const KINDS: readonly InsertResult['kind'][] = ['saved', 'repeated', 'conflict', 'refused', 'replayed', 'archived'];

/** Wraps an insert with metrics: the duration is MongoDB's part of a save, without the simulated delay. */
export function measuredInsert(insert: Insert, registry: Registry): Insert {
  const registers = [registry];
  const durations = new Histogram({
    name: 'consumer_bulk_insert_duration_seconds',
    help: 'Duration of one bulk insert of orders, until it was durable on a majority or failed as a whole',
    labelNames: ['result'],
    buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const orders = new Counter({
    name: 'consumer_orders_total',
    help: 'Orders to be saved, by result: saved, repeated (saved before), conflict, refused, replayed (saved before, and archived), or archived (new record of an archived order)',
    labelNames: ['result'],
    registers,
  });
  for (const result of KINDS) orders.inc({ result }, 0);
  for (const result of ['succeeded', 'failed']) durations.zero({ result });
  return async (documents) => {
    const startedAt = performance.now();
    const note = (result: string): void => durations.observe({ result }, (performance.now() - startedAt) / 1_000);
    try {
      const results = await insert(documents);
      note('succeeded');
      const counts = { saved: 0, repeated: 0, conflict: 0, refused: 0, replayed: 0, archived: 0 };
      for (const { kind } of results) counts[kind] += 1;
      for (const result of KINDS) orders.inc({ result }, counts[result]);
      return results;
    } catch (error) {
      note('failed');
      throw error;
    }
  };
}
