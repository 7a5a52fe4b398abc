import { describe, expect, it } from '@jest/globals';
import { consuming } from './gated-consumer.js';
import { settle } from '@orders-pipeline/clock/testing';

describe('offsets without a record', () => {
  it('are passed when compaction removed their records', async () => {
    const { clock, gate, committed } = await consuming({}, (topic) => {
      topic.append(0, 'a', 'a', 3);
      topic.append(0, 'b', 'b', 900);
    });
    await gate.end('a');
    await clock.advance(500);
    expect(committed()).toBe(900);
    await gate.end('b');
    await clock.advance(500);
    expect(committed()).toBe(901);
  });

  it('are passed when they are transaction markers, in the fetch of the records or in their own fetch', async () => {
    const { broker, clock, gate, kafka, committed } = await consuming({}, (topic) => topic.append(0, 'a', 'a'));
    await gate.end('a');
    kafka.appendMarker('orders', 0);
    await broker.fetch();
    await clock.advance(500);
    expect(committed()).toBe(2);
    kafka.append('orders', 0, 'b', 'b');
    kafka.appendMarker('orders', 0);
    await broker.fetch();
    await settle();
    await gate.end('b');
    await clock.advance(500);
    expect(committed()).toBe(4);
  });

  it('are passed when the partition has nothing else', async () => {
    const { broker, clock, kafka, committed } = await consuming({}, () => undefined);
    for (let marker = 0; marker < 3; marker += 1) kafka.appendMarker('orders', 0);
    await broker.fetch();
    await clock.advance(500);
    expect(committed()).toBe(3);
  });

  it('are not passed while a record before them is unfinished', async () => {
    const { broker, clock, kafka, committed } = await consuming({}, (topic) => topic.append(0, 'a', 'a'));
    kafka.appendMarker('orders', 0);
    await broker.fetch();
    await clock.advance(500);
    expect(committed()).toBe(0);
  });
});
