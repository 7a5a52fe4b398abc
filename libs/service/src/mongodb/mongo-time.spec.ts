import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { MongoClient } from 'mongodb';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { MongoTime } from './mongo.js';

/** Creates a MongoTime whose local clock starts at 1970, and a function that emits a member's heartbeat. */
function createTime() {
  const client = new EventEmitter();
  const clock = new ManualClock();
  const time = new MongoTime(client as unknown as MongoClient, clock);
  const heartbeat = (connectionId: string, localTime: string, isWritablePrimary = true): void =>
    void client.emit('serverHeartbeatSucceeded', {
      connectionId,
      reply: { isWritablePrimary, localTime: new Date(localTime) },
    });
  return { clock, time, heartbeat, now: () => time.now().toISOString() };
}

describe('MongoTime', () => {
  it('is the local time until a heartbeat of a primary', () => {
    const { now, heartbeat } = createTime();
    expect(now()).toBe('1970-01-01T00:00:00.000Z');
    heartbeat('a', '2026-06-15T12:00:00.000Z', false);
    expect(now()).toBe('1970-01-01T00:00:00.000Z');
  });

  it("is the primary's time, and advances between two heartbeats", async () => {
    const { now, heartbeat, clock } = createTime();
    heartbeat('a', '2026-06-15T12:00:00.000Z');
    expect(now()).toBe('2026-06-15T12:00:00.000Z');
    await clock.advance(1_500);
    expect(now()).toBe('2026-06-15T12:00:01.500Z');
  });

  it('is not set back by a heartbeat that was unread while the process hung', async () => {
    const { now, heartbeat, clock } = createTime();
    heartbeat('a', '2026-06-15T12:00:00.000Z');
    await clock.advance(15_000);
    heartbeat('a', '2026-06-15T12:00:02.000Z');
    expect(now()).toBe('2026-06-15T12:00:15.000Z');
  });

  it('follows a clock that is set back within five heartbeats', async () => {
    const { now, heartbeat, clock } = createTime();
    heartbeat('a', '2026-06-15T12:00:00.000Z');
    for (let seconds = 2; seconds <= 10; seconds += 2) {
      await clock.advance(2_000);
      heartbeat('a', `2026-06-15T11:00:${String(seconds).padStart(2, '0')}.000Z`);
    }
    expect(now()).toBe('2026-06-15T11:00:10.000Z');
  });

  it('is the time of the current primary', () => {
    const { now, heartbeat } = createTime();
    heartbeat('a', '2026-06-15T12:00:00.000Z');
    heartbeat('b', '2026-06-15T11:59:00.000Z');
    expect(now()).toBe('2026-06-15T11:59:00.000Z');
  });
});
