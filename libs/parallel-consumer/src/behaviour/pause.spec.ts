import { describe, expect, it } from '@jest/globals';
import { consuming } from './gated-consumer.js';

describe('a paused consumer', () => {
  it('starts no attempt and takes no record, lets running ones end, and goes on after resume', async () => {
    const { append, broker, consumer, gate, committed } = await consuming({ inFlight: 2 }, (topic) => {
      for (const key of ['a', 'b', 'c']) topic.append(0, key, key);
    });
    expect(gate.started).toEqual(['a', 'b']);
    consumer.pause();
    await gate.end('a');
    await gate.end('b');
    append(0, 'd', 'd');
    await broker.fetch();
    expect(gate.started).toEqual(['a', 'b']);
    expect(consumer.status).toMatchObject({
      paused: [{}],
      inFlight: 0,
      inFlightBound: 'paused',
      taken: 1,
      unfinished: 2,
      ready: true,
    });
    consumer.resume();
    expect(gate.started).toEqual(['a', 'b', 'c', 'd']);
    await gate.end('c');
    await gate.end('d');
    await consumer.stop();
    expect(committed()).toBe(4);
  });

  it('of a key does not keep the record of another from probing an unavailable dependency', async () => {
    const { clock, consumer, gate } = await consuming({}, (topic) => {
      for (const key of ['a', 'b']) topic.append(0, key, key);
    });
    const unavailable = Object.assign(new Error('no database'), { code: 'ECONNREFUSED' });
    for (const name of ['a', 'b']) await gate.fail(name, unavailable);
    consumer.pause({ key: 'b' });
    await clock.advance(5_000);
    await gate.fail('a', new Error('closed'));
    await clock.advance(5_000);
    expect(gate.started).toEqual(['a', 'b', 'a', 'a']);
    await gate.end('a');
    expect(consumer.status).toMatchObject({ finished: 1, ready: true });
  });

  it('of a key starts the records of other keys, and then those of the key in their order', async () => {
    const { consumer, gate } = await consuming({ inFlight: 1 }, (topic) => {
      for (const value of ['a1', 'b1', 'a2', 'b2']) topic.append(0, value.slice(0, 1), value);
    });
    consumer.pause({ key: 'b' });
    await gate.end('a1');
    await gate.end('a2');
    expect(gate.started).toEqual(['a1', 'a2']);
    expect(consumer.status).toMatchObject({ paused: [{ key: 'b' }], inFlightBound: 'paused' });
    consumer.resume({ key: Buffer.from('b') });
    await gate.end('b1');
    await gate.end('b2');
    expect(gate.started).toEqual(['a1', 'a2', 'b1', 'b2']);
  });

  it('does not start a retry either', async () => {
    const { clock, consumer, gate } = await consuming({}, (topic) => topic.append(0, 'a', 'a1'));
    await gate.fail('a1', new Error('503'));
    consumer.pause({ topic: 'orders', key: 'a' });
    await clock.advance(60_000);
    expect(gate.started).toEqual(['a1']);
    consumer.resume({ topic: 'orders', key: 'a' });
    expect(gate.started).toEqual(['a1', 'a1']);
  });

  it('does not take a record along that is paused', async () => {
    const { consumer, gate } = await consuming({}, (topic) => {
      topic.append(0, 'a', 'a1');
      topic.append(0, 'a', 'a2');
    });
    consumer.pause({ key: 'a' });
    expect(gate.attempts('a1')[0]?.takeNext()).toBeUndefined();
    consumer.resume({ key: 'a' });
    expect(String(gate.attempts('a1')[0]?.takeNext()?.record.value)).toBe('a2');
  });

  it('does not call a paused record stalled', async () => {
    const options = { stalledRecordDeadLetterMs: 5_000, stalledRecordWarnMs: 5_000, inFlight: 1 };
    const { clock, consumer, gate, log, letters } = await consuming(options, (topic) => {
      topic.append(0, 'a', 'a1');
      topic.append(0, 'b', 'b1');
    });
    consumer.pause({ key: 'b' });
    await gate.end('a1');
    await clock.advance(60_000);
    expect([letters(), log.matching(/stalled/)]).toEqual([[], []]);
    consumer.resume({ key: 'b' });
    await clock.advance(4_000);
    expect(letters()).toEqual([]);
    await clock.advance(2_000);
    expect(letters()).toMatchObject([{ value: 'b1' }]);
  });

  it('leaves paused records for redelivery when their partition is revoked', async () => {
    const { broker, consumer, gate, log } = await consuming({ inFlight: 1 }, (topic) => {
      topic.append(1, 'a', 'a1');
      topic.append(1, 'b', 'b1');
    });
    consumer.pause({ key: 'b' });
    await gate.end('a1');
    expect(consumer.status.taken).toBe(1);
    await broker.group.rebalance([[0]]);
    expect(consumer.status).toMatchObject({ taken: 0, takenBytes: 0 });
    expect(log.matching(/^rebalance:/)).toMatchObject([{ lost: 0 }]);
  });

  it('resumes only what has the same scope', async () => {
    const { consumer } = await consuming({}, () => undefined);
    consumer.pause();
    consumer.pause({ key: 'a' });
    consumer.pause({ key: 'a' });
    consumer.pause({ topic: 'orders' });
    consumer.resume();
    consumer.resume({ key: 'b' });
    expect(consumer.status.paused).toEqual([{ key: 'a' }, { topic: 'orders' }]);
  });

  it.each([
    [{ topic: 'payments' }, "topic must be one of orders, got 'payments'"],
    [{ key: 5 }, 'key must be a text or a Buffer, got 5'],
    [{ keys: ['a'] }, 'keys is not an option'],
    ['orders', "the options must be an object, got 'orders'"],
  ])('refuses the scope %p', async (scope, message) => {
    const { consumer } = await consuming({}, () => undefined);
    expect(() => consumer.pause(scope as never)).toThrow(message);
    expect(() => consumer.resume(scope as never)).toThrow(message);
  });
});
