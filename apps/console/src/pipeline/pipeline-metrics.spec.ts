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

function expose(known: Partial<PipelineSnapshot> | null = {}) {
  const registry = new Registry();
  exposePipeline(() => (known === null ? undefined : { ...KNOWN, ...known }), registry);
  return async (): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('the metrics of the pipeline', () => {
  it('are those of the newest snapshot', async () => {
    expect(await expose()()).toEqual([
      'pipeline_topic_records_total{partition="0"} 100',
      'pipeline_topic_records_total{partition="1"} 50',
      'pipeline_committed_records_total{partition="0"} 40',
      'pipeline_committed_records_total{partition="1"} 50',
      'pipeline_lag_records{partition="0"} 60',
      'pipeline_lag_records{partition="1"} 0',
      'pipeline_dead_letters_pending 3',
      'pipeline_consumers 1',
    ]);
  });

  it('do not increase with the number of scrapes', async () => {
    const lines = expose();
    expect(await lines()).toEqual(await lines());
  });

  it('leave out unknown values and values derived from them, and all before the first snapshot', async () => {
    expect(await expose({ committed: null, consumers: null })()).toEqual([
      'pipeline_topic_records_total{partition="0"} 100',
      'pipeline_topic_records_total{partition="1"} 50',
      'pipeline_dead_letters_pending 3',
    ]);
    expect(await expose({ ends: null, committed: null, consumers: null, deadLetters: null })()).toEqual([]);
    expect(await expose(null)()).toEqual([]);
  });
});
