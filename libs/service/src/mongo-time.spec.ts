import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { MongoClient } from 'mongodb';
import { ManualClock } from '#parallel-consumer/testing/manual-clock.js';
import { MongoTime } from './mongo-time.js';

/** The time of a process whose own clock begins at 1970, and a way to tell it what a member answers. */
function timeOf() {
  const client = new EventEmitter();
  const clock = new ManualClock();
  const time = new MongoTime(client as unknown as MongoClient, clock);
  const answer = (connectionId: string, localTime: string, isWritablePrimary = true): void =>
    void client.emit('serverHeartbeatSucceeded', {
      connectionId,
      reply: { isWritablePrimary, localTime: new Date(localTime) },
    });
  return { clock, time, answer, now: () => time.now().toISOString() };
}

describe("MongoDB's time", () => {
  it("is this process's own until a primary has told it", () => {
    const { now, answer } = timeOf();
    expect(now()).toBe('1970-01-01T00:00:00.000Z');
    answer('a', '2026-06-15T12:00:00.000Z', false);
    expect(now()).toBe('1970-01-01T00:00:00.000Z');
  });

  it("is the primary's, and goes on between two heartbeats", async () => {
    const { now, answer, clock } = timeOf();
    answer('a', '2026-06-15T12:00:00.000Z');
    expect(now()).toBe('2026-06-15T12:00:00.000Z');
    await clock.advance(1_500);
    expect(now()).toBe('2026-06-15T12:00:01.500Z');
  });

  it('is not behind because an answer lay unread while the process hung', async () => {
    const { now, answer, clock } = timeOf();
    answer('a', '2026-06-15T12:00:00.000Z');
    await clock.advance(15_000);
    answer('a', '2026-06-15T12:00:02.000Z');
    expect(now()).toBe('2026-06-15T12:00:15.000Z');
  });

  it('follows a clock that is set back within five heartbeats', async () => {
    const { now, answer, clock } = timeOf();
    answer('a', '2026-06-15T12:00:00.000Z');
    for (let seconds = 2; seconds <= 10; seconds += 2) {
      await clock.advance(2_000);
      answer('a', `2026-06-15T11:00:${String(seconds).padStart(2, '0')}.000Z`);
    }
    expect(now()).toBe('2026-06-15T11:00:10.000Z');
  });

  it('is that of the primary which it is now', () => {
    const { now, answer } = timeOf();
    answer('a', '2026-06-15T12:00:00.000Z');
    answer('b', '2026-06-15T11:59:00.000Z');
    expect(now()).toBe('2026-06-15T11:59:00.000Z');
  });
});
