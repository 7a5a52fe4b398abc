import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import type { InsertResult } from './bulk-insert.js';
import { measuredInsert } from './insert-metrics.js';

async function linesOf(registry: Registry, name: string): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith(name));
}

describe('measured insert', () => {
  it('counts orders by result, and returns the results', async () => {
    const registry = new Registry();
    const results: InsertResult[] = [
      { kind: 'saved' },
      { kind: 'saved' },
      { kind: 'repeated' },
      { kind: 'conflict', reason: 'another order' },
      { kind: 'replayed' },
    ];
    const insert = measuredInsert(async () => results, registry);
    expect(await insert([])).toBe(results);
    expect(await linesOf(registry, 'consumer_orders_total')).toEqual([
      'consumer_orders_total{result="saved"} 2',
      'consumer_orders_total{result="repeated"} 1',
      'consumer_orders_total{result="conflict"} 1',
      'consumer_orders_total{result="refused"} 0',
      'consumer_orders_total{result="replayed"} 1',
      'consumer_orders_total{result="archived"} 0',
    ]);
  });

  it('observes bulks that failed as a whole separately, and does not count their orders', async () => {
    const registry = new Registry();
    let isUnavailable = true;
    const insert = measuredInsert(async () => {
      if (isUnavailable) throw new Error('unavailable');
      return [{ kind: 'saved' }];
    }, registry);
    await expect(insert([])).rejects.toThrow('unavailable');
    isUnavailable = false;
    await insert([]);
    expect(await linesOf(registry, 'consumer_bulk_insert_duration_seconds_count')).toEqual([
      'consumer_bulk_insert_duration_seconds_count{result="succeeded"} 1',
      'consumer_bulk_insert_duration_seconds_count{result="failed"} 1',
    ]);
    expect(await linesOf(registry, 'consumer_orders_total{result="saved"}')).toEqual([
      'consumer_orders_total{result="saved"} 1',
    ]);
  });
});
