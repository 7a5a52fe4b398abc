import { describe, expect, it } from '@jest/globals';
import { GONE_AFTER_MS } from '#orders/consumer/consumer-heartbeat.js';
import { Registry } from 'prom-client';
import type { PipelineSnapshot, SeenConsumer } from './pipeline-snapshots.js';
import { exposePipeline } from './pipeline-metrics.js';

function consumer(ageMs: number): SeenConsumer {
  return { ageMs } as SeenConsumer;
}

const KNOWN: PipelineSnapshot = {
  at: 0,
  ends: new Map([
    [0, 100],
    [1, 50],
  ]),
  committed: new Map([
    [0, 40],
    [1, 50],
  ]),
  consumers: [consumer(0), consumer(GONE_AFTER_MS + 1)],
  deadLetters: 3,
};

function expose(known: Partial<PipelineSnapshot> = {}) {
  const registry = new Registry();
  const state = { snapshots: 0 };
  exposePipeline(async () => {
    state.snapshots += 1;
    return { ...KNOWN, ...known };
  }, registry);
  const lines = async (): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { state, lines };
}

describe('the metrics of the pipeline', () => {
  it('take one snapshot per scrape and none otherwise', async () => {
    const { state, lines } = expose();
    expect(state.snapshots).toBe(0);
    expect(await lines()).toEqual([
      'pipeline_topic_records_total{partition="0"} 100',
      'pipeline_topic_records_total{partition="1"} 50',
      'pipeline_committed_records_total{partition="0"} 40',
      'pipeline_committed_records_total{partition="1"} 50',
      'pipeline_lag_records{partition="0"} 60',
      'pipeline_lag_records{partition="1"} 0',
      'pipeline_dead_letters_pending 3',
      'pipeline_consumers 1',
    ]);
    expect(state.snapshots).toBe(1);
    await lines();
    expect(state.snapshots).toBe(2);
  });

  it('do not increase with the number of scrapes', async () => {
    const { lines } = expose();
    expect(await lines()).toEqual(await lines());
  });

  it('leave out unknown values and values derived from them', async () => {
    expect(await expose({ committed: null, consumers: null }).lines()).toEqual([
      'pipeline_topic_records_total{partition="0"} 100',
      'pipeline_topic_records_total{partition="1"} 50',
      'pipeline_dead_letters_pending 3',
    ]);
    expect(await expose({ ends: null, committed: null, consumers: null, deadLetters: null }).lines()).toEqual([]);
  });
});
