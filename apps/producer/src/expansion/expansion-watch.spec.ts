import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { javaCompatiblePartitioner } from '#orders/topics/topics.js';
import type { Expansion, TopicPartitions } from '#orders/topics/topic-partitions.js';
import { WakeUp } from '../background/leased-job.js';
import { ExpansionWatch } from './expansion-watch.js';
import { SendGate } from '../publishing/send-gate.js';

const EXPANSION: Expansion = { id: 'one', from: 3, to: 6, phase: 'closing', startedAt: new Date(0) };
const AT_REST: TopicPartitions = { _id: 'orders.v1', producers: [], expansion: null, earlier: [] };
const EXPANDING: TopicPartitions = { ...AT_REST, expansion: EXPANSION };

describe('the watch for expansions', () => {
  let clock: ManualClock;
  let gate: SendGate;
  /** What the list was called for, with the expansion that a renewal confirms. */
  let calls: (string | null)[];
  let stored: TopicPartitions | undefined | Error;
  let partitions: number;
  let watch: ExpansionWatch;

  beforeAll(() => Logger.overrideLogger(false));

  beforeEach(() => {
    [clock, gate, calls, partitions] = [new ManualClock(), new SendGate(3, 'closed'), [], 3];
    const list = {
      join: async () => {
        calls.push('join');
        return (stored = read() ?? AT_REST);
      },
      renew: async (closedFor: string | null) => {
        calls.push(closedFor);
        return read();
      },
      leave: async () => void calls.push('leave'),
    };
    watch = new ExpansionWatch(list, async () => partitions, gate, new WakeUp(), clock);
  });

  function read(): TopicPartitions | undefined {
    if (stored instanceof Error) throw stored;
    return stored;
  }

  async function start(joined: TopicPartitions): Promise<void> {
    stored = joined;
    await watch.onApplicationBootstrap();
  }

  /** Changes what is stored, and lets the watch see it. */
  async function store(next: TopicPartitions | undefined | Error, count = partitions): Promise<void> {
    [stored, partitions] = [next, count];
    await clock.advance(1_000);
    await settle();
  }

  it('lets nothing pass until the process is in the list, and confirms an expansion that runs then', async () => {
    await start(EXPANDING);
    expect([gate.isOpen, calls]).toEqual([false, ['join']]);
    await store(EXPANDING);
    expect([gate.isOpen, calls]).toEqual([false, ['join', 'one']]);
    await store(AT_REST, 6);
    expect([gate.isOpen, gate.partitions]).toEqual([true, 6]);
  });

  it('closes, confirms once nothing is on its way, and opens with the new count', async () => {
    await start(AT_REST);
    const sending = Promise.withResolvers<void>();
    const passed = gate.pass(async () => sending.promise);
    await store(EXPANDING);
    await store(EXPANDING);
    expect([gate.isOpen, calls]).toEqual([false, ['join', null, null]]);
    sending.resolve();
    await passed;
    await store(EXPANDING);
    expect(calls.at(-1)).toBe('one');
    await store(AT_REST, 6);
    expect([gate.isOpen, gate.partitions]).toEqual([true, 6]);
    await store(AT_REST);
    expect(calls.at(-1)).toBe(null);
  });

  it('stays as it is while MongoDB is unavailable', async () => {
    await start(AT_REST);
    await store(new Error('no primary'));
    expect(gate.isOpen).toBe(true);
    await store(EXPANDING);
    await store(new Error('no primary'));
    expect(gate.isOpen).toBe(false);
    await store(AT_REST);
    expect([gate.isOpen, gate.partitions]).toEqual([true, 3]);
  });

  it('closes and joins again when it was declared ended', async () => {
    await start(AT_REST);
    const sending = Promise.withResolvers<void>();
    const passed = gate.pass(async () => sending.promise);
    await store(undefined);
    expect([gate.isOpen, calls]).toEqual([false, ['join', null]]);
    sending.resolve();
    await passed;
    await settle();
    expect([gate.isOpen, calls]).toEqual([true, ['join', null, 'join']]);
  });

  it('leaves the list when it stops', async () => {
    await start(AT_REST);
    await watch.onApplicationShutdown();
    expect(calls).toEqual(['join', 'leave']);
  });
});

describe('the gate of sends', () => {
  let gate: SendGate;
  let reconnects: PromiseWithResolvers<void>[];

  beforeEach(() => {
    [gate, reconnects] = [new SendGate(3), []];
    const reconnect = async (): Promise<void> => {
      const reconnecting = Promise.withResolvers<void>();
      reconnects.push(reconnecting);
      return reconnecting.promise;
    };
    gate.attach({ reconnect });
  });

  async function reconnected(): Promise<void> {
    await settle();
    reconnects[0]?.resolve();
    await settle();
  }

  it('closes only when all work that has passed is done and the connections are closed', async () => {
    const sending = Promise.withResolvers<void>();
    let closing: AbortSignal | undefined;
    const passed = gate.pass(async (signal) => {
      closing = signal;
      return sending.promise;
    });
    void gate.close();
    await settle();
    expect([closing?.aborted, gate.isOpen, gate.isClosed, reconnects.length]).toEqual([true, false, false, 0]);
    sending.resolve();
    await passed;
    await settle();
    expect([gate.isClosed, reconnects.length]).toEqual([false, 1]);
    await reconnected();
    expect(gate.isClosed).toBe(true);
  });

  it('lets work wait until it opens, with the partitions of the topic then', async () => {
    void gate.close();
    await reconnected();
    const done: number[] = [];
    const passed = gate.pass(async () => void done.push(gate.partitionOf('account-7')));
    await settle();
    expect(done).toEqual([]);
    gate.open(64);
    await passed;
    expect([gate.partitions, done]).toEqual([64, [javaCompatiblePartitioner(64)('account-7')]]);
  });

  it('closes although work fails, once for several calls', async () => {
    await expect(gate.pass(async () => Promise.reject(new Error('not sent')))).rejects.toThrow('not sent');
    const closed = Promise.all([gate.close(), gate.close()]);
    await reconnected();
    await closed;
    expect(reconnects.length).toBe(1);
  });
});
