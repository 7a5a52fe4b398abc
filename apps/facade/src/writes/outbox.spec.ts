import { afterEach, describe, expect, it, beforeEach } from '@jest/globals';
import { pino } from 'pino';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { aLegacyOrder } from '#orders/testing/an-order.js';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { RecordedTraces } from '#service/telemetry/testing/recorded-traces.js';
import { setTracing, tracing } from '#service/telemetry/tracing.js';
import { anIntent, MemoryBucketStore } from '../testing/memory-stores.js';
import type { SideName, WriteOutcome, WrittenSide } from '../sides/side.js';
import { bucketOf } from '../stages/stages.js';
import { LIMITS } from '../testing/simulated-world.js';
import type { Intent } from './bucket-store.js';
import { keyOf, planOutbox, type Item, type Work, Outbox, OutboxWorker, LEASE_MS } from './outbox.js';

function seqs(items: readonly Item[]): number[] {
  return items.map(({ intent }) => intent.seq);
}

function plan(open: readonly Intent[], busy: readonly number[] = [], now = 0, busyWith?: Work) {
  const bucket = { bucket: 3, epoch: 1, period: 1, mode: 'dualwrite' as const, open };
  const isBusy = ({ intent }: Item, work: Work): boolean =>
    busy.includes(intent.seq) && (busyWith === undefined || busyWith === work);
  const planned = planOutbox([bucket], { now: new Date(now), repairAfterMs: 2_000, isBusy });
  const entries: [string, readonly Item[]][] = Object.entries(planned);
  return Object.fromEntries(entries.map(([name, items]) => [name, seqs(items)]));
}

const NOTHING = { closes: [], repairs: [], toTarget: [], toLegacy: [], toCheck: [] };
const STORED = { legacy: 'stored' } as const;
const LIVE = { answering: 'new', new: 'sent' } as const;

describe('the plan of the outbox', () => {
  it('writes to the target what the legacy system has stored, an account in its order', () => {
    expect(plan([anIntent(1, STORED), anIntent(2, STORED)])).toEqual({ ...NOTHING, toTarget: [1, 2] });
    expect(plan([anIntent(1, STORED), anIntent(2, STORED)], [1])).toEqual(NOTHING);
    expect(plan([anIntent(1, { ...STORED, new: 'sent' }), anIntent(2, STORED)])).toEqual({
      ...NOTHING,
      toCheck: [1],
      toTarget: [2],
    });
  });

  it('lets no write overtake one that has no answer yet', () => {
    const other = anIntent(3, { ...STORED, order: aLegacyOrder({ number: 3, accountId: 'acc-2' }) });
    expect(plan([anIntent(1), anIntent(2, STORED), other])).toEqual({ ...NOTHING, toTarget: [3] });
  });

  it('writes to the legacy system one order of an account at a time', () => {
    expect(plan([anIntent(1, LIVE), anIntent(2, LIVE)])).toEqual({ ...NOTHING, toLegacy: [1], toCheck: [1, 2] });
    expect(plan([anIntent(1, { ...LIVE, ...STORED }), anIntent(2, LIVE)])).toMatchObject({ toLegacy: [2] });
  });

  it('looks an order up on the target while the legacy system gets it', () => {
    expect(plan([anIntent(1, LIVE)], [1], 0, 'legacy')).toEqual({ ...NOTHING, toCheck: [1] });
    expect(plan([anIntent(1, LIVE)], [1], 0, 'check')).toEqual({ ...NOTHING, toLegacy: [1] });
  });

  it('repeats what has no answer for 2 s, or had no outcome, and nothing of the account behind it', () => {
    expect(plan([anIntent(1), anIntent(2)], [], 1_999)).toEqual(NOTHING);
    expect(plan([anIntent(1), anIntent(2)], [], 2_000)).toEqual({ ...NOTHING, repairs: [1] });
    expect(plan([anIntent(1, { attempts: 1 }), anIntent(2, { attempts: 1 })])).toEqual({
      ...NOTHING,
      repairs: [1],
    });
  });

  it('closes what is final', () => {
    expect(plan([anIntent(1, { ...STORED, new: 'readable' }), anIntent(2, { ...STORED, new: 'none' })])).toEqual({
      ...NOTHING,
      closes: [1, 2],
    });
  });

  it('names intents by bucket and position', () => {
    expect(keyOf({ bucket: 3, intent: anIntent(7) })).toBe('3:7');
  });
});

const BUCKET = bucketOf('acc-1');
const REFUSED: WriteOutcome = { result: 'refused', code: 'bad', message: 'a rule', status: 400 };
const UNKNOWN: WriteOutcome = { result: 'unknown', message: 'time-out' };

/** A side that answers all writes with one outcome. */
class ScriptedWrites implements WrittenSide {
  outcome: WriteOutcome = { result: 'stored' };
  readable: 'readable' | 'not-yet' | 'refused' = 'not-yet';
  /** What each write waits for. */
  untilAnswer: Promise<void> = Promise.resolve();
  /** The trace context and the number of orders of each write. */
  readonly traced: [context: string | undefined, orders: number][] = [];
  writes = 0;
  checks = 0;

  async write(orders: readonly unknown[]): Promise<readonly WriteOutcome[]> {
    this.writes += 1;
    this.traced.push([tracing()?.activeContext(), orders.length]);
    await this.untilAnswer;
    return orders.map(() => this.outcome);
  }

  async areReadable(ids: readonly string[]): Promise<readonly ('readable' | 'not-yet' | 'refused')[]> {
    this.checks += 1;
    return Promise.resolve(ids.map(() => this.readable));
  }

  async find(): Promise<[]> {
    return Promise.resolve([]);
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
    sides = { legacy: new ScriptedWrites(), new: new ScriptedWrites() };
    reported = [];
    const reports = {
      observed: () => undefined,
      bothStored: () => void reported.push('both stored'),
      diverged: async (_intent: Intent, side: SideName) => {
        reported.push(`refused by ${side}`);
        return Promise.resolve();
      },
      untranslatable: async () => undefined,
    };
    const zone = new LegacyTimeZone('UTC');
    outbox = new Outbox({
      buckets: store,
      sides: { answering: sides, outbox: sides },
      zone,
      reports,
      clock,
      limits: LIMITS,
    });
  });

  async function admit(intent: Partial<Intent>): Promise<void> {
    await store.admit({ bucket: BUCKET, epoch: 1, intent: anIntent(1, intent), maxOpen: 9, maxAgeMs: 60_000 });
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

  it('closes an intent once the legacy system has stored it and the target reads it', async () => {
    await admit({ answering: 'new', new: 'sent' });
    expect(await round()).toBe('stored sent');
    sides.new.readable = 'readable';
    await clock.advance(100);
    expect(await round()).toBe('closed');
    expect(reported).toEqual(['both stored']);
  });

  it('keeps an intent that the legacy system refused until the target reads it', async () => {
    sides.legacy.outcome = REFUSED;
    await admit({ answering: 'new', new: 'sent' });
    expect(await round()).toBe('none sent');
    expect(reported).toEqual(['refused by legacy']);
    sides.new.readable = 'readable';
    await clock.advance(100);
    expect(await round()).toBe('closed');
  });

  async function admitTraced(...contexts: readonly (string | undefined)[]): Promise<void> {
    for (const [at, traceparent] of contexts.entries()) {
      const order = aLegacyOrder({ number: at + 1, accountId: 'acc-1' });
      const intent = anIntent(at + 1, { answering: 'legacy', ...STORED, order, ...(traceparent && { traceparent }) });
      await store.admit({ bucket: BUCKET, epoch: 1, intent, maxOpen: 9, maxAgeMs: 60_000 });
    }
  }

  describe('in a process that is traced', () => {
    beforeEach(() => setTracing(new RecordedTraces()));

    afterEach(() => setTracing(undefined));

    it('writes each traced order in the trace of its client, and the others together, in their order', async () => {
      await admitTraced('one', undefined, undefined, 'four');
      await round();
      expect(sides.new.traced).toEqual([
        ['one', 1],
        [undefined, 2],
        ['four', 1],
      ]);
    });

    it('writes nothing behind an order without an outcome', async () => {
      sides.new.outcome = UNKNOWN;
      await admitTraced('one', undefined);
      await round();
      expect(sides.new.traced).toEqual([['one', 1]]);
    });
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

  it('finds out that the target has an order while the legacy system hangs: reads wait for that', async () => {
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

/** After this time, reads and writes that wait for open writes get 503. */
const CLIENTS_WAIT_MS = 2_000;
const NEVER = new Promise<never>(() => undefined);

describe('the outbox worker', () => {
  it('is replaced by that of another instance before clients have waited too long', async () => {
    const clock = new ManualClock();
    const rounds = { a: 0, b: 0 };
    let owner = { name: '', until: 0 };
    let isDead = false;
    const workerOf = (name: 'a' | 'b') => {
      const acquire = async () => {
        if (isDead && name === 'a') return NEVER;
        if (owner.name !== name && owner.until >= clock.now()) return false;
        owner = { name, until: clock.now() + LEASE_MS };
        return true;
      };
      const outbox = { round: async () => (rounds[name] += 1) };
      const lease = { acquire, release: async () => undefined };
      const ports = { lease, clock, logger: pino({ level: 'silent' }) };
      return new OutboxWorker(ports, outbox, async () => undefined);
    };
    const [a, b] = [workerOf('a'), workerOf('b')];
    a.start();
    b.start();
    await clock.advance(5_000);
    expect(rounds).toEqual({ a: expect.any(Number), b: 0 });
    isDead = true;
    await clock.advance(CLIENTS_WAIT_MS * 0.75);
    expect(rounds.b).toBeGreaterThan(0);
  });
});
