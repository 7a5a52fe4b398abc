import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { connectKafka } from './kafkajs.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** As much of kafkajs's consumer group as its heartbeat looks at. */
interface Group {
  lastRequest: number;
  heartbeat(options: { interval: number }): Promise<void>;
}

function groupLastHeardOf(at: number): Group {
  connectKafka({ brokers: ['127.0.0.1:1'], clientId: 'spec', logger: quiet });
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup') as { prototype: Group };
  return Object.assign(Object.create(prototype) as Group, { lastRequest: at });
}

describe("kafkajs's heartbeat", () => {
  it('is due at once when the clock was set back behind the last one', async () => {
    const group = groupLastHeardOf(Date.now() + 3_600_000);
    // Without a connection it comes no further.
    await expect(group.heartbeat({ interval: 1_000 })).rejects.toThrow('is not a function');
    expect(group.lastRequest).toBe(0);
  });

  it('is not hurried otherwise', async () => {
    const before = Date.now() - 10;
    const group = groupLastHeardOf(before);
    await expect(group.heartbeat({ interval: 1_000 })).rejects.toThrow('is not a function');
    expect(group.lastRequest).toBe(before);
  });
});
