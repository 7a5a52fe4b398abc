import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { Expansion, TopicPartitions } from '#orders/topics/topic-partitions.js';
import { WakeUp } from '../background/wake-up.js';
import { ExpansionWatch } from './expansion-watch.js';
import { SendGate } from './send-gate.js';

const EXPANSION: Expansion = { id: 'one', from: 3, to: 6, phase: 'closing', startedAt: new Date(0) };
const AT_REST: TopicPartitions = { _id: 'orders.v1', producers: [], expansion: null, earlier: [] };

function watched(joined: TopicPartitions = AT_REST) {
  const [clock, gate, renewals, calls] = [new ManualClock(), new SendGate(3), [] as (string | null)[], [] as string[]];
  let stored: TopicPartitions | undefined | Error = joined;
  const list = {
    join: async () => {
      calls.push('join');
      return Promise.resolve(AT_REST);
    },
    renew: async (closedFor: string | null) => {
      if (stored instanceof Error) throw stored;
      renewals.push(closedFor);
      return Promise.resolve(stored);
    },
    leave: async () => Promise.resolve(void calls.push('leave')),
  };
  const watch = new ExpansionWatch(list, gate, new WakeUp(), clock);
  watch.begin(joined);
  watch.onApplicationBootstrap();
  const store = async (next: TopicPartitions | undefined | Error): Promise<void> => {
    stored = next;
    await clock.advance(1_000);
    await settle();
  };
  return { watch, gate, renewals, calls, store };
}

describe('the watch for expansions', () => {
  beforeAll(() => Logger.overrideLogger(false));

  it('closes, confirms once nothing is on its way, and opens with the new count', async () => {
    const { gate, renewals, store } = watched();
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
    await store({ ...AT_REST, partitions: 6 });
    expect([gate.isOpen, gate.partitions]).toEqual([true, 6]);
    await store({ ...AT_REST, partitions: 6 });
    expect(renewals.at(-1)).toBe(null);
  });

  it('sends nothing if it starts during an expansion', async () => {
    const { gate, renewals, store } = watched({ ...AT_REST, expansion: EXPANSION });
    expect(gate.isOpen).toBe(false);
    await store({ ...AT_REST, expansion: EXPANSION });
    expect(renewals.at(-1)).toBe('one');
  });

  it('stays as it is while MongoDB is away', async () => {
    const { gate, store } = watched();
    await store(new Error('no primary'));
    expect(gate.isOpen).toBe(true);
    await store({ ...AT_REST, expansion: EXPANSION });
    await store(new Error('no primary'));
    expect(gate.isOpen).toBe(false);
    await store(AT_REST);
    expect([gate.isOpen, gate.partitions]).toEqual([true, 3]);
  });

  it('closes and joins again when it was declared ended', async () => {
    const { gate, calls, store } = watched();
    const sending = Promise.withResolvers<void>();
    const passed = gate.pass(async () => sending.promise);
    await store(undefined);
    expect([gate.isOpen, calls]).toEqual([false, []]);
    sending.resolve();
    await passed;
    await settle();
    expect([gate.isOpen, calls]).toEqual([true, ['join']]);
  });

  it('leaves the list when it stops', async () => {
    const { watch, calls } = watched();
    await watch.onApplicationShutdown();
    expect(calls).toEqual(['leave']);
  });
});
