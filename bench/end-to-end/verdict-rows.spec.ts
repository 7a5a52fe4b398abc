import { describe, expect, it } from '@jest/globals';
import type { EndToEndRun } from './end-to-end-run.js';
import { EXAMPLE_RUN } from './testing/example-run.js';
import { verdictRows } from './verdict-rows.js';
import { verdictTable } from './verdict-table.js';

/** The rows of the example run with these changes, by name. */
function rowsOf(change: Partial<EndToEndRun>) {
  return Object.fromEntries(verdictRows({ ...EXAMPLE_RUN, ...change }).map(({ name, ...row }) => [name, row]));
}

/** The names of the rows that miss their limit. */
function missedBy(change: Partial<EndToEndRun>): string[] {
  return verdictRows({ ...EXAMPLE_RUN, ...change })
    .filter(({ isReached }) => isReached === false)
    .map(({ name }) => name);
}

describe('the verdict on a run', () => {
  it('is a table of figures, their limits and verdicts', () => {
    expect(verdictTable(verdictRows(EXAMPLE_RUN)).split('\n')).toEqual([
      'end to end                                         measured      limit',
      'orders                                               40,000',
      'dead letters                                              0',
      'time from POST until all orders are saved, s            1.6     <= 1.9  reached',
      'orders/s                                             25,000  >= 20,834  reached',
      'bare insertMany, orders/s                            32,000',
      'of the bare insertMany                                 0.78    >= 0.55  reached',
      'emission, s                                             2.0',
      'emission, orders/s                                   20,000',
      'reconcile                                             holds      holds  reached',
      'reconcile, s                                            0.5',
      'reconcile, orders/s                                  80,000  >= 60,000  reached',
      'producer, peak RSS with the reconciliation, MiB         240     <= 250  reached',
      'producer, peak RSS, MiB                                 220     <= 250  reached',
      'producer, RSS of the last quarter / the second         1.02    <= 1.10  reached',
      'consumer-1, peak RSS, MiB                               350     <= 400  reached',
      'consumer-1, RSS of the last quarter / the second       0.98    <= 1.10  reached',
      'MongoDB, peak RSS, MiB                                1,000',
      'producer, CPU us an order                              50.0',
      'consumer-1, CPU us an order                           100.0',
      'MongoDB, CPU us an order                               25.0',
      'MongoDB with the bare insertMany, CPU us an order      41.0',
    ]);
  });

  it('scales the limit for ten million orders to the number of orders', () => {
    expect(rowsOf({ orders: 10_000_000 })['time from POST until all orders are saved, s']?.limit).toBe('<= 480.0');
    expect(missedBy({ seconds: 2 })).toEqual(['time from POST until all orders are saved, s', 'orders/s']);
  });

  it('reports too much memory and growing memory', () => {
    const processes = ['producer', 'consumer-1', 'Kafka'].map((name) => {
      return { name, peakRssMiB: 401, cpuSeconds: 1, restarts: 0 };
    });
    expect(missedBy({ processes })).toEqual(['producer, peak RSS, MiB', 'consumer-1, peak RSS, MiB']);
    expect(missedBy({ growth: { producer: 1.2, 'consumer-1': 1 } })).toEqual([
      'producer, RSS of the last quarter / the second',
    ]);
  });

  it('does not judge the growth of a run that is too short', () => {
    expect(rowsOf({ growth: {} })['producer, RSS of the last quarter / the second']).toEqual({
      measured: 'too short',
      limit: '',
      isReached: undefined,
    });
  });

  it('reports that it is much slower than a bare insertMany', () => {
    const insertLimit = { ...EXAMPLE_RUN.insertLimit, ordersPerSecond: 50_000 };
    expect(missedBy({ insertLimit })).toEqual(['of the bare insertMany']);
  });

  it('reports a missing reconciliation', () => {
    const rows = rowsOf({ reconciliation: { reason: 'not available' } });
    expect(rows['reconcile']).toEqual({ measured: 'not available', limit: '', isReached: undefined });
    expect(rows['reconcile, orders/s']).toBeUndefined();
  });

  it.each(['broken', 'pending'] as const)('is missed when the reconciliation is %s', (verdict) => {
    expect(missedBy({ reconciliation: { answer: { verdict, ordersPerSecond: 80_000, seconds: 1 } } })).toEqual([
      'reconcile',
    ]);
  });

  it('is missed when a process was restarted', () => {
    const processes = [{ name: 'MongoDB', peakRssMiB: 1_000, cpuSeconds: 1, restarts: 1 }];
    expect(missedBy({ processes })).toEqual(['MongoDB, restarts']);
  });
});
