import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { isOver, operationEvents } from './operation-events.js';
import { OPERATION_EXAMPLE } from './operation-example.js';
import type { OperationResponse } from './operation-response.js';
import type { FollowedOperation } from './operation-view.js';

const OPERATION: OperationResponse = {
  ...OPERATION_EXAMPLE,
  kind: 'populate',
  status: 'running',
  state: { code: 'sending', text: 'sending 60 %' },
  acked: 0,
  finishedAt: null,
  ratePerSecond: null,
};

/** Creates a client that follows an operation; each read returns `state.now`. */
function followOperation(lastEventId?: string) {
  const clock = new ManualClock();
  const received: string[] = [];
  const stop = new AbortController();
  const state = { now: OPERATION, isSettled: false, ended: false };
  const read = async (): Promise<FollowedOperation> => ({ operation: state.now, isSettled: state.isSettled });
  const receive = async (): Promise<void> => {
    for await (const text of operationEvents({ read, lastEventId, signal: stop.signal, clock })) received.push(text);
    state.ended = true;
  };
  void receive();
  return { clock, received, stop, state, names: () => received.map((text) => text.split('\n')[0]) };
}

function idIn(event: string | undefined): string {
  return /^id: (.*)$/m.exec(event ?? '')?.[1] ?? '';
}

describe('operationEvents', () => {
  it('sends the whole operation at once, and again whenever it has changed', async () => {
    const { clock, received, state, names } = followOperation();
    await settle();
    state.now = { ...OPERATION, acked: 5 };
    await clock.advance(3_000);
    expect(names()).toEqual(['event: progress', 'event: progress']);
    expect(JSON.parse(/^data: (.*)$/m.exec(received[1] ?? '')?.[1] ?? '')).toEqual(state.now);
  });

  it('sends no event for fields that only change with time', async () => {
    const { clock, state, names } = followOperation();
    await settle();
    const savedAsOf = '2026-02-01T12:00:01.000Z';
    state.now = { ...OPERATION, ratePerSecond: 7, etaSeconds: 12, behindScheduleSeconds: 1, savedAsOf };
    await clock.advance(3_000);
    expect(names()).toEqual(['event: progress']);
  });

  it('sends `done` and ends only once the operation is settled', async () => {
    const { clock, state, names } = followOperation();
    await settle();
    state.now = { ...OPERATION, status: 'succeeded', acked: 10, saved: 9, deadLettered: 1 };
    await clock.advance(2_000);
    expect([names(), state.ended]).toEqual([['event: progress', 'event: progress'], false]);
    state.isSettled = true;
    await clock.advance(2_000);
    expect([names(), state.ended]).toEqual([['event: progress', 'event: progress', 'event: done'], true]);
  });

  it('resumes after the last event of a client that reconnects', async () => {
    const first = followOperation();
    await settle();
    const second = followOperation(idIn(first.received[0]));
    await second.clock.advance(1_000);
    expect(second.received).toEqual([]);
    second.state.now = { ...OPERATION, acked: 1 };
    await second.clock.advance(1_000);
    expect(second.names()).toEqual(['event: progress']);
  });

  it('is over only for a client that has received `done`', async () => {
    const cancelled: OperationResponse = { ...OPERATION, status: 'cancelled' };
    const { received, state, clock } = followOperation();
    Object.assign(state, { now: cancelled, isSettled: true });
    await clock.advance(1_000);
    expect(isOver({ operation: cancelled, isSettled: true }, idIn(received.at(-1)))).toBe(true);
    expect(isOver({ operation: cancelled, isSettled: true }, undefined)).toBe(false);
    expect(isOver({ operation: OPERATION, isSettled: false }, idIn(received[0]))).toBe(false);
  });

  it('keeps a quiet stream alive by comments', async () => {
    const { clock, received } = followOperation();
    await clock.advance(31_000);
    expect(received.filter((text) => text.startsWith(':'))).toHaveLength(2);
  });

  it('ends when the service stops', async () => {
    const { clock, stop, state } = followOperation();
    await settle();
    stop.abort();
    await clock.advance(1_000);
    expect(state.ended).toBe(true);
  });
});
