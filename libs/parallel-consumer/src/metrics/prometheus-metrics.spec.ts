import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { consuming } from '../testing/gated-consumer.js';
import { PrometheusMetrics } from './prometheus-metrics.js';

const NAMES = { topic: 'orders', group: 'savers' };

async function observed() {
  const registry = new Registry();
  const metrics = new PrometheusMetrics(registry);
  const engine = await consuming({ observer: metrics.observer(NAMES), maxAttempts: 1 }, (topic) => {
    for (const name of ['a', 'b', 'c']) topic.append(0, name, name);
  });
  metrics.watch(NAMES, engine.consumer);
  const value = async (line: string): Promise<number | undefined> => {
    const found = (await registry.metrics()).split('\n').find((each) => each.startsWith(`${line} `));
    return found === undefined ? undefined : Number(found.slice(line.length + 1));
  };
  return { ...engine, value };
}

const LABELS = 'topic="orders",group="savers"';

describe('the metrics of a consumer', () => {
  it('tell what is in flight, what finished, and how long that took', async () => {
    const { gate, clock, value } = await observed();
    await clock.advance(400);
    await gate.end('a');
    expect(await value(`parallel_consumer_in_flight{${LABELS}}`)).toBe(2);
    expect(await value(`parallel_consumer_finished_total{${LABELS}}`)).toBe(1);
    expect(await value(`parallel_consumer_save_duration_seconds_sum{${LABELS}}`)).toBe(0.4);
  });

  it('count failed attempts by whose fault they were, and dead letters', async () => {
    const { gate, value } = await observed();
    await gate.fail('b', new Error('wrong'));
    expect(await value(`parallel_consumer_failed_attempts_total{${LABELS},outcome="retriable"}`)).toBe(1);
    expect(await value(`parallel_consumer_dead_lettered_total{${LABELS}}`)).toBe(1);
  });

  it('tell the lag by partition, and forget partitions that went', async () => {
    const { broker, gate, value } = await observed();
    expect(await value(`parallel_consumer_lag_records{${LABELS},partition="0"}`)).toBe(3);
    const rebalanced = broker.group.rebalance([[1]]);
    for (const name of ['a', 'b', 'c']) await gate.end(name);
    await rebalanced;
    expect(await value(`parallel_consumer_lag_records{${LABELS},partition="0"}`)).toBeUndefined();
    expect(await value(`parallel_consumer_rebalance_duration_seconds_count{${LABELS}}`)).toBe(1);
  });

  it('leave out what is unknown instead of telling 0', async () => {
    const { value } = await observed();
    expect(await value(`parallel_consumer_seconds_to_drain{${LABELS}}`)).toBeUndefined();
  });

  it('count commits and how they ended', async () => {
    const { gate, clock, value } = await observed();
    await gate.end('a');
    await clock.advance(1_000);
    expect(
      await value(`parallel_consumer_commit_duration_seconds_count{${LABELS},result="succeeded"}`),
    ).toBeGreaterThanOrEqual(1);
  });
});
