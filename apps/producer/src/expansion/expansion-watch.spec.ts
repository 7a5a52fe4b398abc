import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { Expansion, TopicPartitions } from '#orders/topics/topic-partitions.js';
import { WakeUp } from '../background/wake-up.js';
import { ExpansionWatch } from './expansion-watch.js';
import { SendGate } from './send-gate.js';

const EXPANSION: Expansion = { id: 'one', from: 3, to: 6, phase: 'closing', startedAt: new Date(0) };
const AT_REST: TopicPartitions = { _id: 'orders.v1', producers: [], expansion: null, earlier: [] };

async function watched(joined: TopicPartitions = AT_REST) {
  const [clock, gate, renewals, calls] = [
    new ManualClock(),
    new SendGate(3, 'closed'),
    [] as (string | null)[],
    [] as string[],
  ];
  let stored: TopicPartitions | undefined | Error = joined;
  let partitions = 3;
  const list = {
    join: async () => {
      if (stored instanceof Error) throw stored;
      calls.push('join');
      stored ??= AT_REST;
      return Promise.resolve(stored);
    },
    renew: async (closedFor: string | null) => {
      if (stored instanceof Error) throw stored;
      renewals.push(closedFor);
      return Promise.resolve(stored);
    },
    leave: async () => Promise.resolve(void calls.push('leave')),
  };
  const watch = new ExpansionWatch(list, async () => Promise.resolve(partitions), gate, new WakeUp(), clock);
  await watch.onApplicationBootstrap();
  const store = async (next: TopicPartitions | undefined | Error, count = partitions): Promise<void> => {
    [stored, partitions] = [next, count];
    await clock.advance(1_000);
    await settle();
  };
  return { watch, gate, renewals, calls, store };
}

describe('the watch for expansions', () => {
  beforeAll(() => Logger.overrideLogger(false));

  it('lets nothing pass until the process is in the list', async () => {
    const { gate, calls, store } = await watched({ ...AT_REST, expansion: EXPANSION });
    expect([gate.isOpen, calls]).toEqual([false, ['join']]);
    await store(AT_REST, 6);
    expect([gate.isOpen, gate.partitions]).toEqual([true, 6]);
  });

  it('closes, confirms once nothing is on its way, and opens with the new count', async () => {
    const { gate, renewals, store } = await watched();
    const sending = Promise.withResolvers<void>();
    const passed = gate.pass(async () => sending.promise);
    await store({ ...AT_REST, expansion: EXPANSION });
    await store({ ...AT_REST, expansion: EXPANSION });
    expect(gate.isOpen).toBe(false);
    expect(new Set(renewals)).toEqual(new Set([null]));
    sending.resolve();
    await passed;
    await store({ ...AT_REST, expansion: EXPANSION });
    expect(renewals.at(-1)).toBe('one');
    await store(AT_REST, 6);
    expect([gate.isOpen, gate.partitions]).toEqual([true, 6]);
    await store(AT_REST);
    expect(renewals.at(-1)).toBe(null);
  });

  it('sends nothing if it starts during an expansion', async () => {
    const { gate, renewals, store } = await watched({ ...AT_REST, expansion: EXPANSION });
    expect(gate.isOpen).toBe(false);
    await store({ ...AT_REST, expansion: EXPANSION });
    expect(renewals.at(-1)).toBe('one');
  });

  it('stays as it is while MongoDB is away', async () => {
    const { gate, store } = await watched();
    await store(new Error('no primary'));
    expect(gate.isOpen).toBe(true);
    await store({ ...AT_REST, expansion: EXPANSION });
    await store(new Error('no primary'));
    expect(gate.isOpen).toBe(false);
    await store(AT_REST);
    expect([gate.isOpen, gate.partitions]).toEqual([true, 3]);
  });

  it('closes and joins again when it was declared ended', async () => {
    const { gate, calls, store } = await watched();
    const sending = Promise.withResolvers<void>();
    const passed = gate.pass(async () => sending.promise);
    await store(undefined);
    expect([gate.isOpen, calls]).toEqual([false, ['join']]);
    sending.resolve();
    await passed;
    await settle();
    expect([gate.isOpen, calls]).toEqual([true, ['join', 'join']]);
  });

  it('leaves the list when it stops', async () => {
    const { watch, calls } = await watched();
    await watch.onApplicationShutdown();
    expect(calls).toEqual(['join', 'leave']);
  });
});
