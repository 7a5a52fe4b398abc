import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import type { ParallelConsumerOptions } from '../options.js';
import { consuming } from '../behaviour/gated-consumer.js';
import { settle } from '@orders-pipeline/clock/testing';
import { PrometheusMetrics } from './prometheus-metrics.js';

const NAMES = { topic: 'orders', group: 'savers' };

async function observed(options: Partial<ParallelConsumerOptions> = {}) {
  const registry = new Registry();
  const metrics = new PrometheusMetrics(registry);
  const engine = await consuming({ observer: metrics.observer(NAMES), maxAttempts: 1, ...options }, (topic) => {
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
  it('export records in flight, finished records and the duration of attempts', async () => {
    const { gate, clock, value } = await observed();
    await clock.advance(400);
    await gate.end('a');
    expect(await value(`parallel_consumer_in_flight{${LABELS}}`)).toBe(2);
    expect(await value(`parallel_consumer_finished_total{${LABELS}}`)).toBe(1);
    expect(await value(`parallel_consumer_save_duration_seconds_sum{${LABELS}}`)).toBe(0.4);
  });

  it('export what bounds the records in flight', async () => {
    const { value } = await observed({ inFlight: 2 });
    expect(await value(`parallel_consumer_in_flight_bound{${LABELS},bound="limit"}`)).toBe(1);
    expect(await value(`parallel_consumer_in_flight_bound{${LABELS},bound="keys"}`)).toBe(0);
  });

  it('count failed attempts by outcome, and dead letters', async () => {
    const { gate, value } = await observed();
    await gate.fail('b', new Error('wrong'));
    expect(await value(`parallel_consumer_failed_attempts_total{${LABELS},outcome="retriable"}`)).toBe(1);
    expect(await value(`parallel_consumer_dead_lettered_total{${LABELS}}`)).toBe(1);
  });

  it('export the lag by partition, and drop revoked partitions', async () => {
    const { broker, gate, value } = await observed();
    expect(await value(`parallel_consumer_lag_records{${LABELS},partition="0"}`)).toBe(3);
    const rebalanced = broker.group.rebalance([[1]]);
    for (const name of ['a', 'b', 'c']) await gate.end(name);
    await rebalanced;
    expect(await value(`parallel_consumer_lag_records{${LABELS},partition="0"}`)).toBeUndefined();
    expect(await value(`parallel_consumer_rebalance_duration_seconds_count{${LABELS}}`)).toBe(1);
  });

  it('export the lag of each topic of a consumer that reads several', async () => {
    const registry = new Registry();
    const metrics = new PrometheusMetrics(registry);
    const { consumer } = await consuming({}, () => undefined);
    const { status } = consumer;
    const [partition] = status.partitions;
    if (partition === undefined) throw new Error('it has partitions');
    const partitions = [
      { ...partition, topic: 'orders', lag: 1 },
      { ...partition, topic: 'returns', lag: 2 },
    ];
    metrics.watch(NAMES, { status: { ...status, partitions } });
    const text = await registry.metrics();
    for (const [topic, lag] of [
      ['orders', 1],
      ['returns', 2],
    ])
      expect(text).toContain(`parallel_consumer_lag_records{topic="${topic}",group="savers",partition="0"} ${lag}\n`);
  });

  it('export whether the consumer is suspended because a dependency is unavailable', async () => {
    const { gate, value } = await observed({ classify: () => 'environment' });
    expect(await value(`parallel_consumer_suspended{${LABELS}}`)).toBe(0);
    await gate.fail('a', new Error('unavailable'));
    expect(await value(`parallel_consumer_suspended{${LABELS}}`)).toBe(1);
    expect(await value(`parallel_consumer_failed_attempts_total{${LABELS},outcome="environment"}`)).toBe(1);
  });

  it('export a stopped partition', async () => {
    const { append, broker, clock, gate, kafka, value } = await observed();
    expect(await value(`parallel_consumer_stopped_partition{${LABELS},partition="0"}`)).toBe(0);
    for (const name of ['a', 'b', 'c']) await gate.end(name);
    await clock.advance(500);
    for (const name of ['d', 'e', 'f']) append(0, name, name);
    kafka.deleteBefore('orders', 0, 5);
    await broker.fetch();
    await broker.fetch();
    await settle();
    expect(await value(`parallel_consumer_stopped_partition{${LABELS},partition="0"}`)).toBe(1);
  });

  it('start at 0, so that `rate` includes the first event of each series', async () => {
    const { value } = await observed();
    for (const outcome of ['retriable', 'poison', 'environment', 'abandoned'])
      expect(await value(`parallel_consumer_failed_attempts_total{${LABELS},outcome="${outcome}"}`)).toBe(0);
    expect(await value(`parallel_consumer_commit_duration_seconds_count{${LABELS},result="failed"}`)).toBe(0);
    expect(await value(`parallel_consumer_rebalance_duration_seconds_count{${LABELS}}`)).toBe(0);
  });

  it('omit unknown values instead of exporting 0', async () => {
    const { value } = await observed();
    expect(await value(`parallel_consumer_seconds_to_drain{${LABELS}}`)).toBeUndefined();
  });

  it('count commits by result', async () => {
    const { gate, clock, value } = await observed();
    await gate.end('a');
    await clock.advance(1_000);
    expect(
      await value(`parallel_consumer_commit_duration_seconds_count{${LABELS},result="succeeded"}`),
    ).toBeGreaterThanOrEqual(1);
  });
});
