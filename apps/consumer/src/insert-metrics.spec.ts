import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import type { InsertResult } from './bulk-insert.js';
import { measuredInsert } from './insert-metrics.js';

async function linesOf(registry: Registry, name: string): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith(name));
}

describe('a measured insert', () => {
  it('counts orders by how their insert ended, and gives back what the insert did', async () => {
    const registry = new Registry();
    const results: InsertResult[] = [
      { kind: 'saved' },
      { kind: 'saved' },
      { kind: 'repeated' },
      { kind: 'conflict', reason: 'another order' },
    ];
    const insert = measuredInsert(async () => results, registry);
    expect(await insert([])).toBe(results);
    expect(await linesOf(registry, 'consumer_orders_total')).toEqual([
      'consumer_orders_total{result="saved"} 2',
      'consumer_orders_total{result="repeated"} 1',
      'consumer_orders_total{result="conflict"} 1',
      'consumer_orders_total{result="refused"} 0',
    ]);
  });

  it('tells bulks that failed as a whole from the others, and counts no order of theirs', async () => {
    const registry = new Registry();
    let isAway = true;
    const insert = measuredInsert(async () => {
      if (isAway) throw new Error('away');
      return [{ kind: 'saved' }];
    }, registry);
    await expect(insert([])).rejects.toThrow('away');
    isAway = false;
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
