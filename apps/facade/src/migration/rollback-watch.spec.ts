import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { pino } from 'pino';
import { byCapability } from '../stages/migration-snapshot.js';
import { NO_FIGURES, type Figures, type RollbackDecision } from '../stages/gate.js';
import { ChangeRefusal } from '../stages/changes.js';
import { readsAt, snapshotAt } from '../testing/migration-builders.js';
import { RollbackWatch } from './rollback-watch.js';
import { MemoryMigrationStore } from '../testing/memory-stores.js';
import { LIMITS as WORLD_LIMITS } from '../testing/simulated-world.js';

const LIMITS = { ...WORLD_LIMITS, rollback: { maxErrorRate: 0.05, minRequests: 20, maxMismatches: 0 } };

describe('RollbackWatch', () => {
  let clock: ManualClock;
  let store: MemoryMigrationStore;
  let figures: Figures;
  let isHeld: boolean;
  let isLegacyAway: boolean;
  let rolledBack: string[];
  let watch: RollbackWatch;

  beforeEach(async () => {
    clock = new ManualClock();
    store = new MemoryMigrationStore(clock);
    await store.replace(
      { ...snapshotAt({ writes: ['dualwrite'], ...readsAt('shadow'), 'read-by-id': ['live'] }), revision: 2 },
      null,
    );
    figures = NO_FIGURES;
    isHeld = false;
    isLegacyAway = false;
    rolledBack = [];
    const rollBack = async ({ capability, stage, cause }: Extract<RollbackDecision, { decision: 'roll-back' }>) => {
      if (isHeld) throw new ChangeRefusal('held', 'the migration is held');
      rolledBack.push(`${capability} to ${stage}: ${cause}`);
      return Promise.resolve();
    };
    const facts = { figuresOf: async () => Promise.resolve(byCapability(() => figures)) };
    const logger = pino({ level: 'silent' });
    const ports = { store, limits: LIMITS, clock, logger, isLegacyAway: () => isLegacyAway };
    watch = new RollbackWatch(ports, facts, { rollBack });
  });

  async function requests(count: number, failed: number): Promise<void> {
    const { requests: before, failures } = figures;
    figures = {
      ...figures,
      requests: { ...before, new: before.new + count },
      failures: { ...failures, new: failures.new + failed },
    };
    await clock.advance(500);
    await watch.check();
  }

  it('goes back when the requests of the last 5 s fail, however many succeeded before', async () => {
    await requests(1_000_000, 0);
    await requests(50, 2);
    expect(rolledBack).toEqual([]);
    await requests(50, 4);
    expect(rolledBack).toEqual(['read-by-id to shadow: error rate of the new side: 6 of 100 requests failed']);
  });

  it('forgets failures after 5 s', async () => {
    await requests(1_000, 0);
    await requests(100, 5);
    await clock.advance(6_000);
    await requests(100, 5);
    expect(rolledBack).toEqual([]);
  });

  it('alerts once a minute, and audits it, while the migration is held or the legacy system is away', async () => {
    isHeld = true;
    await requests(100, 50);
    await requests(100, 50);
    isHeld = false;
    isLegacyAway = true;
    await requests(100, 50);
    expect(rolledBack).toEqual([]);
    expect(await store.audit(10)).toEqual([
      expect.objectContaining({
        action: 'alert',
        by: 'facade',
        capability: 'read-by-id',
        reason: expect.stringContaining('the migration is held'),
      }),
    ]);
    await clock.advance(60_000);
    await requests(100, 50);
    expect((await store.audit(10))[0]?.reason).toContain('the legacy system is away');
  });
});
