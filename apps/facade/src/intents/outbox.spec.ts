import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { SideName, WriteOutcome, WrittenSide } from '../sides/side.js';
import { bucketOf } from '../stages/buckets.js';
import { MemoryBucketStore } from '../testing/memory-bucket-store.js';
import { intentWith } from '../testing/one-order.js';
import { AnsweringWrite } from './answering-write.js';
import type { Intent } from './intent.js';
import { Outbox } from './outbox.js';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';

const BUCKET = bucketOf('acc-1');
const REFUSED: WriteOutcome = { result: 'refused', code: 'bad', message: 'a rule', status: 400 };
const UNKNOWN: WriteOutcome = { result: 'unknown', message: 'time-out' };

/** A side that answers all writes with one outcome. */
class ScriptedWrites implements WrittenSide {
  outcome: WriteOutcome = { result: 'stored' };
  readable: 'readable' | 'not-yet' | 'refused' = 'not-yet';
  /** What each write waits for. */
  untilAnswer: Promise<void> = Promise.resolve();
  writes = 0;
  checks = 0;

  constructor(readonly name: SideName) {}

  async write(orders: readonly unknown[]): Promise<readonly WriteOutcome[]> {
    this.writes += 1;
    await this.untilAnswer;
    return orders.map(() => this.outcome);
  }

  async areReadable(ids: readonly string[]): Promise<readonly ('readable' | 'not-yet' | 'refused')[]> {
    this.checks += 1;
    return Promise.resolve(ids.map(() => this.readable));
  }
}

describe('Outbox', () => {
  let clock: ManualClock;
  let store: MemoryBucketStore;
  let sides: { readonly legacy: ScriptedWrites; readonly new: ScriptedWrites };
  let reported: string[];
  let outbox: Outbox;

  beforeEach(async () => {
    clock = new ManualClock();
    store = new MemoryBucketStore(clock);
    await store.raise({ epoch: 1, period: 1, stage: 'live', percent: 100 });
    sides = { legacy: new ScriptedWrites('legacy'), new: new ScriptedWrites('new') };
    reported = [];
    const reports = {
      observed: () => undefined,
      bothStored: () => void reported.push('both stored'),
      diverged: async (_intent: Intent, side: SideName) => {
        reported.push(`refused by ${side}`);
        return Promise.resolve();
      },
    };
    const stored = { find: async () => Promise.resolve([]) };
    const answering = new AnsweringWrite(sides, stored, new LegacyTimeZone('UTC'), reports, () => clock.now());
    const limits = { repairAfterMs: 2_000, batchSize: 100, maxCalls: 4 };
    outbox = new Outbox(store, sides, answering, reports, clock, limits);
  });

  async function admit(intent: Partial<Intent>): Promise<void> {
    await store.admit({ bucket: BUCKET, epoch: 1, intent: intentWith(1, intent), maxOpen: 9, maxAgeMs: 60_000 });
    const { new: state } = intent;
    if (state === 'sent') await store.update([{ bucket: BUCKET, seq: 1, new: 'sent' }]);
  }

  /** @returns the open intent after a round, as `legacy new` */
  async function round(): Promise<string> {
    await outbox.round(new AbortController().signal);
    await settle();
    const [intent] = (await store.read(BUCKET)).open;
    return intent === undefined ? 'closed' : `${intent.legacy} ${intent.new}`;
  }

  it('closes an intent once the legacy system has stored it and the new side reads it', async () => {
    await admit({ answering: 'new', new: 'sent' });
    expect(await round()).toBe('stored sent');
    sides.new.readable = 'readable';
    await clock.advance(100);
    expect(await round()).toBe('closed');
    expect(reported).toEqual(['both stored']);
  });

  it('keeps an intent that the legacy system refused until the new side reads it', async () => {
    sides.legacy.outcome = REFUSED;
    await admit({ answering: 'new', new: 'sent' });
    expect(await round()).toBe('none sent');
    expect(reported).toEqual(['refused by legacy']);
    sides.new.readable = 'readable';
    await clock.advance(100);
    expect(await round()).toBe('closed');
  });

  it('repeats a write without an outcome, less and less often', async () => {
    sides.legacy.outcome = UNKNOWN;
    await admit({ answering: 'new', new: 'sent' });
    for (let time = 0; time < 10_000; time += 20) {
      await round();
      await clock.advance(20);
    }
    expect(sides.legacy.writes).toBeGreaterThan(5);
    expect(sides.legacy.writes).toBeLessThan(15);
    sides.legacy.outcome = { result: 'stored' };
    await clock.advance(2_000);
    expect(await round()).toBe('stored sent');
  });

  it('looks an order up ten times a second at most', async () => {
    sides.legacy.outcome = UNKNOWN;
    await admit({ answering: 'new', new: 'sent', legacy: 'stored' });
    for (let time = 0; time < 1_000; time += 20) {
      await round();
      await clock.advance(20);
    }
    expect(sides.new.checks).toBe(10);
  });

  it('finds out that the new side has an order while the legacy system hangs: reads wait for that', async () => {
    const answer = Promise.withResolvers<void>();
    sides.legacy.untilAnswer = answer.promise;
    await admit({ answering: 'new', new: 'sent' });
    for (let time = 0; time < 100; time += 20) {
      expect(await round()).toBe('open sent');
      await clock.advance(20);
    }
    sides.new.readable = 'readable';
    expect(await round()).toBe('open readable');
    answer.resolve();
    await settle();
    expect(await round()).toBe('closed');
    expect(sides.legacy.writes).toBe(1);
    expect(reported).toEqual(['both stored']);
  });

  it('reports an accepted order that could not be saved, after the legacy system has it', async () => {
    sides.new.readable = 'refused';
    await admit({ answering: 'new', new: 'sent' });
    await round();
    await clock.advance(100);
    expect(await round()).toBe('closed');
    expect(reported).toEqual(['refused by new']);
  });
});
