import { describe, expect, it } from '@jest/globals';
import { countsIn, savesBetween } from './save-counts.js';

/** Metrics as a consumer exposes them. */
function metrics({ saved = 0, retriable = 0, dead = 0, failed = 0, conflict = 0, fast = 0, all = 0 }): string {
  const names = 'topic="orders.v1",group="orders-savers"';
  return [
    `parallel_consumer_failed_attempts_total{${names},outcome="retriable"} ${retriable}`,
    `parallel_consumer_failed_attempts_total{${names},outcome="environment"} 0`,
    `parallel_consumer_dead_lettered_total{${names}} ${dead}`,
    `consumer_bulk_insert_duration_seconds_bucket{le="0.05",result="succeeded"} ${fast}`,
    `consumer_bulk_insert_duration_seconds_bucket{le="0.1",result="succeeded"} ${all}`,
    `consumer_bulk_insert_duration_seconds_bucket{le="+Inf",result="succeeded"} ${all}`,
    `consumer_bulk_insert_duration_seconds_count{result="failed"} ${failed}`,
    `consumer_orders_total{result="saved"} ${saved}`,
    `consumer_orders_total{result="conflict"} ${conflict}`,
    'consumer_orders_total{result="refused"} 0',
  ].join('\n');
}

describe('the saves of a consumer', () => {
  it('fail in any of five ways', () => {
    expect(countsIn(metrics({ retriable: 1, dead: 2, failed: 4, conflict: 8 }), 0).failed).toBe(15);
    expect(countsIn(metrics({ saved: 7 }), 0)).toMatchObject({ failed: 0, saved: 7 });
  });

  it('are not taken for successful if a metric is missing', () => {
    const [, ...others] = metrics({}).split('\nconsumer_bulk_insert_duration_seconds_count');
    expect(() => countsIn(others.join(''), 0)).toThrow('a metric of the consumer is missing');
  });

  it('have a rate and a slowest insert between two readings', () => {
    const from = countsIn(metrics({ saved: 100, fast: 5, all: 9 }), 1_000);
    const fast = countsIn(metrics({ saved: 300, fast: 7, all: 11 }), 2_000);
    const slow = countsIn(metrics({ saved: 300, fast: 7, all: 12 }), 2_000);
    expect(savesBetween(from, fast)).toEqual({ perSecond: 200, slowestInsertSeconds: '0.05' });
    expect(savesBetween(from, slow).slowestInsertSeconds).toBe('0.1');
  });
});
