import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { anOperation } from '#orders/testing/an-operation.js';
import { isOver, operationEvents } from './operation-events.js';
import type { OperationResponse } from './operation-response.js';

/** A client that follows an operation; each read returns `state`. */
class Follower {
  readonly clock = new ManualClock();
  readonly received: string[] = [];
  readonly stop = new AbortController();
  state = { operation: anOperation() as OperationResponse, isFinal: false };
  hasEnded = false;

  /** Starts a client that has received the event with this id. */
  static async start(lastEventId?: string): Promise<Follower> {
    const follower = new Follower();
    void follower.receive(lastEventId);
    await settle();
    return follower;
  }

  /** Changes the operation, and lets time pass. */
  async change(change: Partial<OperationResponse>, isFinal = false): Promise<void> {
    this.state = { operation: { ...this.state.operation, ...change }, isFinal };
    await this.clock.advance(3_000);
  }

  get names() {
    return this.received.map((text) => text.split('\n')[0]);
  }

  /** The id of the last event. */
  get lastId(): string | undefined {
    return /^id: (.*)$/m.exec(this.received.at(-1) ?? '')?.[1];
  }

  private async receive(lastEventId: string | undefined): Promise<void> {
    const { clock, stop } = this;
    const read = async () => this.state;
    for await (const text of operationEvents({ read, lastEventId, signal: stop.signal, clock }))
      this.received.push(text);
    this.hasEnded = true;
  }
}

describe('operationEvents', () => {
  it('sends the whole operation at once, and again whenever it has changed', async () => {
    const follower = await Follower.start();
    await follower.change({ acked: 601 });
    expect(follower.names).toEqual(['event: progress', 'event: progress']);
    const data = /^data: (.*)$/m.exec(follower.received[1] ?? '')?.[1] ?? '';
    expect(JSON.parse(data)).toEqual(follower.state.operation);
  });

  it('sends no event for fields that only change with time', async () => {
    const follower = await Follower.start();
    const savedAsOf = '2026-02-01T12:00:01.000Z';
    await follower.change({ ratePerSecond: 7, etaSeconds: 12, behindScheduleSeconds: 1, savedAsOf });
    expect(follower.names).toEqual(['event: progress']);
  });

  it('sends `done` and ends only once the operation is settled', async () => {
    const follower = await Follower.start();
    await follower.change({ status: 'succeeded', acked: 1_000, saved: 999, deadLettered: 1 });
    expect([follower.names, follower.hasEnded]).toEqual([['event: progress', 'event: progress'], false]);
    await follower.change({}, true);
    expect(follower.names.at(-1)).toBe('event: done');
    expect([follower.received.length, follower.hasEnded]).toEqual([3, true]);
  });

  it('resumes after the last event of a client that reconnects', async () => {
    const first = await Follower.start();
    const second = await Follower.start(first.lastId);
    await second.clock.advance(1_000);
    expect(second.received).toEqual([]);
    await second.change({ acked: 601 });
    expect(second.names).toEqual(['event: progress']);
  });

  it('is over only for a client that has received `done`', async () => {
    const follower = await Follower.start();
    expect(isOver(follower.state, follower.lastId)).toBe(false);
    await follower.change({ status: 'cancelled' }, true);
    expect(isOver(follower.state, follower.lastId)).toBe(true);
    expect(isOver(follower.state, undefined)).toBe(false);
  });

  it('keeps a quiet stream alive by comments', async () => {
    const { clock, received } = await Follower.start();
    await clock.advance(31_000);
    expect(received.filter((text) => text.startsWith(':'))).toHaveLength(2);
  });

  it('ends when the service stops', async () => {
    const follower = await Follower.start();
    follower.stop.abort();
    await follower.clock.advance(1_000);
    expect(follower.hasEnded).toBe(true);
  });
});
