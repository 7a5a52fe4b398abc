import { describe, expect, it } from '@jest/globals';
import { METADATA } from '../protocol/metadata-request.js';
import { LedPartitions } from './led-partitions.js';
import { ScriptedConnections } from './testing/scripted-connections.js';
import { TopicLogs } from './topic-logs.js';

const UNKNOWN_TOPIC = 3;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Topics with these numbers of partitions, which a spec changes; 0: the topic does not exist. */
function leading(counts: Record<string, number>) {
  const connections = new ScriptedConnections().answer(METADATA, ([name = '']: readonly string[]) => ({
    nodes: [],
    controllerId: 1,
    topics: [
      {
        errorCode: counts[name] === 0 ? UNKNOWN_TOPIC : 0,
        name,
        topicId: 'a'.repeat(32),
        partitions: Array.from({ length: counts[name] ?? 0 }, (_, partition) => ({
          partition,
          leader: 1,
          leaderEpoch: 0,
        })),
      },
    ],
  }));
  return new LedPartitions(new TopicLogs(connections), quiet);
}

describe('the partitions that a group leader assigns', () => {
  it('are those of all topics, and have changed once one is added to any of them', async () => {
    const counts = { orders: 2, payments: 1 };
    const led = leading(counts);
    expect(await led.list(['orders', 'payments'])).toHaveLength(3);
    expect(await led.haveChanged()).toBe(false);
    counts.payments = 2;
    expect(await led.haveChanged()).toBe(true);
  });

  it('have changed once a topic is created that was missing', async () => {
    const counts = { orders: 2, payments: 0 };
    const led = leading(counts);
    expect(await led.list(['orders', 'payments'])).toHaveLength(2);
    expect(await led.haveChanged()).toBe(false);
    counts.payments = 1;
    expect(await led.haveChanged()).toBe(true);
  });

  it('have not changed when a topic is deleted: its owners must notice that it is created again', async () => {
    const counts = { orders: 2, payments: 1 };
    const led = leading(counts);
    await led.list(['orders', 'payments']);
    counts.payments = 0;
    expect(await led.haveChanged()).toBe(false);
  });

  it('are not checked by a member that does not lead', async () => {
    const counts = { orders: 2 };
    const led = leading(counts);
    await led.list(['orders']);
    led.forget();
    counts.orders = 3;
    expect(await led.haveChanged()).toBe(false);
  });
});
