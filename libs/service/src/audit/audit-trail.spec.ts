import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Db } from 'mongodb';
import { Registry } from 'prom-client';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { type AuditEvent, type AuditFacts, AuditTrail } from './audit-trail.js';

const FACTS: AuditFacts = {
  action: 'populate',
  subject: 'ada',
  clientId: 'desk',
  ip: '127.0.0.1',
  requestId: 'request-1',
  target: null,
  outcome: 'done',
  status: 202,
  code: null,
};

async function microtasks(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}

describe('the audit trail', () => {
  let clock: ManualClock;
  let registry: Registry;
  let trail: AuditTrail;
  let stored: AuditEvent[];
  let logged: [fields: object, text: string][];
  let isAway: boolean;

  beforeEach(begin);

  function begin(): void {
    clock = new ManualClock();
    registry = new Registry();
    stored = [];
    logged = [];
    isAway = false;
    const collection = {
      insertMany: async (events: AuditEvent[]) => {
        await microtasks(20);
        if (isAway) throw new Error('no primary');
        stored.push(...events);
      },
    };
    const log = (fields: object, text: string): void => void logged.push([fields, text]);
    trail = new AuditTrail({
      service: 'producer',
      retentionDays: 30,
      mongo: {
        db: { collection: () => collection } as unknown as Db,
        time: { now: () => new Date(clock.now()) } as never,
      },
      log: { info: log, warn: log } as never,
      clock,
      registry,
    });
  }

  async function unstored(): Promise<number> {
    const [value] = (await registry.getSingleMetric('audit_events_unstored_total')?.get())?.values ?? [];
    return value?.value ?? NaN;
  }

  it('logs and stores each event, with the time at which it expires', async () => {
    trail.record(FACTS);
    trail.record({ ...FACTS, target: 'x'.repeat(5_000) });
    await settle();
    const { action, ...rest } = FACTS;
    expect(logged).toHaveLength(2);
    expect(logged[0]).toEqual([{ audit: action, ...rest }, 'populate by ada: done']);
    expect(stored[0]).toEqual({
      ...FACTS,
      _id: expect.any(String),
      at: new Date(0),
      service: 'producer',
      expiresAt: new Date('1970-01-31'),
    });
    expect(stored[1]?.target).toHaveLength(200);
  });

  it('logs each event while MongoDB is unavailable, warns once, and stores them in order afterwards', async () => {
    isAway = true;
    for (const requestId of ['1', '2', '3']) trail.record({ ...FACTS, requestId });
    await clock.advance(5_000);
    expect(stored).toEqual([]);
    expect(logged.map(([, text]) => text).filter((text) => text.includes('wait for MongoDB'))).toHaveLength(1);
    expect(logged.filter(([fields]) => 'audit' in fields)).toHaveLength(3);
    isAway = false;
    await clock.advance(1_000);
    expect(stored.map(({ requestId }) => requestId)).toEqual(['1', '2', '3']);
    expect(stored.map(({ _id }) => _id).toSorted()).toHaveLength(new Set(stored.map(({ _id }) => _id)).size);
    expect(await unstored()).toBe(0);
  });

  it('keeps at most 10,000 events for MongoDB, and counts the others', async () => {
    isAway = true;
    for (let n = 0; n < 10_003; n += 1) trail.record(FACTS);
    isAway = false;
    await clock.advance(1_000);
    await settle();
    expect(stored).toHaveLength(10_000);
    expect(await unstored()).toBe(3);
  });

  it('stores what waits when it is closed, and gives up after three seconds', async () => {
    trail.record(FACTS);
    await trail.close();
    expect(stored).toHaveLength(1);
  });

  it('stores each event, in whatever microtask it is recorded', async () => {
    for (let turns = 0; turns < 50; turns += 1) {
      trail.record(FACTS);
      await microtasks(turns);
      trail.record(FACTS);
      await settle();
      expect([turns, stored.length]).toEqual([turns, 2 * (turns + 1)]);
    }
  });

  it('stores or counts an event that is recorded while it closes, and stores nothing afterwards', async () => {
    for (let turns = 0; turns < 50; turns += 1) {
      begin();
      trail.record(FACTS);
      const storedWhenClosed = trail.close().then(() => stored.length);
      await microtasks(turns);
      trail.record(FACTS);
      await settle();
      expect([turns, stored.length, await unstored()]).toEqual([turns, await storedWhenClosed, 2 - stored.length]);
    }
  });

  it('counts what it could not store when it is closed', async () => {
    isAway = true;
    trail.record(FACTS);
    trail.record(FACTS);
    const closed = trail.close();
    await clock.advance(3_000);
    await closed;
    expect(await unstored()).toBe(2);
    expect(logged.at(-1)).toEqual([{ events: 2 }, expect.stringContaining('in the log only')]);
  });
});
