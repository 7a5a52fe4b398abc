import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { VerifyResult } from './stages/gate.js';
import { initialSnapshot, type MigrationSnapshot } from './stages/stages.js';
import { exposeIntents, exposeStages } from './facade-metrics.js';

const NOW = new Date('2026-01-31T12:00:00Z');

function samples(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

async function stageMetrics(
  latest: MigrationSnapshot | undefined,
  last: VerifyResult | null = null,
): Promise<string[]> {
  const registry = new Registry();
  exposeStages({ state: { latest }, lastVerify: async () => last, clock: new ManualClock() }, registry);
  return samples(await registry.metrics());
}

async function failing(): Promise<never> {
  return Promise.reject(new Error('unavailable'));
}

describe('the metrics of the stages', () => {
  it('have no samples of what is not known yet', async () => {
    expect(await stageMetrics(undefined)).toEqual([]);
    expect((await stageMetrics(initialSnapshot(NOW))).join()).not.toContain('facade_verify_differences');
  });

  it('say where each capability is, and that the last change was an automatic rollback', async () => {
    const { capabilities, ...initial } = initialSnapshot(NOW);
    const rolledBack = { stage: 'shadow', percent: 100, version: 4, since: NOW, cause: 'mismatches' } as const;
    const live = { stage: 'live', percent: 25, version: 3, since: NOW } as const;
    const hold = { by: 'ada', reason: 'audit', since: NOW };
    const moved = {
      ...initial,
      hold,
      capabilities: { ...capabilities, 'read-by-id': rolledBack, 'read-by-page': live },
    };
    const found = await stageMetrics(moved, { startedAt: NOW, differences: 7 });
    expect(found).toEqual(
      expect.arrayContaining([
        'facade_stage{capability="writes"} 0',
        'facade_stage{capability="read-by-id"} 1',
        'facade_stage{capability="read-by-page"} 2',
        'facade_stage_percent{capability="read-by-page"} 25',
        'facade_stage_version{capability="read-by-id"} 4',
        'facade_rolled_back{capability="read-by-id"} 1',
        'facade_rolled_back{capability="read-by-page"} 0',
        'facade_held 1',
        'facade_change_pending 0',
        'facade_verify_differences 7',
      ]),
    );
  });
});

describe('the metrics of the open intents', () => {
  it('are those of the scrape itself, from one read', async () => {
    const registry = new Registry();
    let reads = 0;
    exposeIntents({ intents: async () => ({ count: (reads += 1), oldestMs: 500 }) }, new ManualClock(), registry);
    expect(samples(await registry.metrics())).toEqual(['facade_open_intents 1', 'facade_oldest_intent_seconds 0.5']);
    expect(samples(await registry.metrics())[0]).toBe('facade_open_intents 2');
  });

  it('are missing while MongoDB fails, or hangs for 2 s, and come back', async () => {
    const registry = new Registry();
    const clock = new ManualClock();
    let intents: () => Promise<{ count: number; oldestMs: number }> = failing;
    exposeIntents({ intents: async () => intents() }, clock, registry);
    expect(samples(await registry.metrics())).toEqual([]);
    intents = async () => new Promise(() => undefined);
    const scraped = registry.metrics();
    await clock.advance(2_000);
    expect(samples(await scraped)).toEqual([]);
    intents = async () => ({ count: 3, oldestMs: 0 });
    expect(samples(await registry.metrics())).toContain('facade_open_intents 3');
  });
});
