import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '#parallel-consumer/testing/manual-clock.js';
import { isOver, operationEvents } from './operation-events.js';
import type { OperationResponse } from './operation-response.js';
import type { FollowedOperation } from './operation-view.js';

const OPERATION: OperationResponse = {
  id: '01935c9e-8a00-7000-8000-000000000001',
  kind: 'populate',
  status: 'running',
  interruption: null,
  seed: 1,
  count: 10,
  firstNumber: 1,
  chunkSize: 5,
  accounts: 9,
  from: '2026-01-31T12:00:00.000Z',
  to: '2026-02-01T12:00:00.000Z',
  requestedRatePerSecond: null,
  behindScheduleSeconds: null,
  waitingFor: null,
  generated: 0,
  acked: 0,
  ackedNumbers: [],
  saved: 0,
  savedAsOf: '2026-02-01T12:00:00.000Z',
  deadLettered: 0,
  requestedAt: '2026-02-01T12:00:00.000Z',
  startedAt: null,
  finishedAt: null,
  ratePerSecond: null,
  etaSeconds: null,
  error: null,
  faults: null,
  ackedFaults: null,
  import: null,
  redrive: null,
  discarded: 0,
  firstErrors: [],
};

/** A client that follows an operation, which is what `now` says at each look. */
function following(lastEventId?: string) {
  const clock = new ManualClock();
  const told: string[] = [];
  const stop = new AbortController();
  const state = { now: OPERATION, isSettled: false, ended: false };
  const look = async (): Promise<FollowedOperation> => ({ operation: state.now, isSettled: state.isSettled });
  const read = async (): Promise<void> => {
    for await (const text of operationEvents({ look, lastEventId, signal: stop.signal, clock })) told.push(text);
    state.ended = true;
  };
  void read();
  return { clock, told, stop, state, names: () => told.map((text) => text.split('\n')[0]) };
}

function idIn(event: string | undefined): string {
  return /^id: (.*)$/m.exec(event ?? '')?.[1] ?? '';
}

describe('the events of an operation', () => {
  it('tell it at once, and again whenever it has changed, with all that it is', async () => {
    const { clock, told, state, names } = following();
    await settle();
    state.now = { ...OPERATION, acked: 5 };
    await clock.advance(3_000);
    expect(names()).toEqual(['event: progress', 'event: progress']);
    expect(JSON.parse(/^data: (.*)$/m.exec(told[1] ?? '')?.[1] ?? '')).toEqual(state.now);
  });

  it('don’t tell what changes with time alone', async () => {
    const { clock, state, names } = following();
    await settle();
    const savedAsOf = '2026-02-01T12:00:01.000Z';
    state.now = { ...OPERATION, ratePerSecond: 7, etaSeconds: 12, behindScheduleSeconds: 1, savedAsOf };
    await clock.advance(3_000);
    expect(names()).toEqual(['event: progress']);
  });

  it('end with `done` once the operation is settled, whatever its figures say before', async () => {
    const { clock, state, names } = following();
    await settle();
    state.now = { ...OPERATION, status: 'succeeded', acked: 10, saved: 9, deadLettered: 1 };
    await clock.advance(2_000);
    expect([names(), state.ended]).toEqual([['event: progress', 'event: progress'], false]);
    state.isSettled = true;
    await clock.advance(2_000);
    expect([names(), state.ended]).toEqual([['event: progress', 'event: progress', 'event: done'], true]);
  });

  it('go on where a client that comes back has left off', async () => {
    const first = following();
    await settle();
    const second = following(idIn(first.told[0]));
    await second.clock.advance(1_000);
    expect(second.told).toEqual([]);
    second.state.now = { ...OPERATION, acked: 1 };
    await second.clock.advance(1_000);
    expect(second.names()).toEqual(['event: progress']);
  });

  it('are over for whoever has seen `done`, and for nobody else', async () => {
    const cancelled: OperationResponse = { ...OPERATION, status: 'cancelled' };
    const { told, state, clock } = following();
    Object.assign(state, { now: cancelled, isSettled: true });
    await clock.advance(1_000);
    expect(isOver({ operation: cancelled, isSettled: true }, idIn(told.at(-1)))).toBe(true);
    expect(isOver({ operation: cancelled, isSettled: true }, undefined)).toBe(false);
    expect(isOver({ operation: OPERATION, isSettled: false }, idIn(told[0]))).toBe(false);
  });

  it('keep a quiet stream alive by comments', async () => {
    const { clock, told } = following();
    await clock.advance(31_000);
    expect(told.filter((text) => text.startsWith(':'))).toHaveLength(2);
  });

  it('end when the service stops', async () => {
    const { clock, stop, state } = following();
    await settle();
    stop.abort();
    await clock.advance(1_000);
    expect(state.ended).toBe(true);
  });
});
