import { describe, expect, it } from '@jest/globals';
import { AttemptWithdrawnError } from '../attempts/running-attempt.js';
import { consuming, type Append } from './gated-consumer.js';
import { settle } from '@orders-pipeline/clock/testing';

const unavailable = Object.assign(new Error('database unavailable'), { code: 'ECONNREFUSED' });

function fillWith(count: number, key: (index: number) => string) {
  return ({ append }: { append: Append }): void => {
    for (let index = 0; index < count; index += 1) append(0, key(index), `r${index}`);
  };
}

describe('the status', () => {
  it('counts a finished record as unfinished no longer, although it can not be committed yet', async () => {
    const { gate, consumer } = await consuming(
      { inFlight: 2 },
      fillWith(6, (index) => `k${index}`),
    );
    expect(consumer.status).toMatchObject({ lag: 6, unfinished: 6 });
    for (const name of ['r1', 'r2', 'r3']) await gate.end(name);
    expect(consumer.status).toMatchObject({ finished: 3, lag: 6, unfinished: 3 });
    for (const name of ['r0', 'r4', 'r5']) await gate.end(name);
    expect(consumer.status).toMatchObject({ finished: 6, lag: 0, unfinished: 0, secondsToDrain: 0 });
  });
});

describe('the in-flight limit', () => {
  it('can be raised at runtime: more records start immediately', async () => {
    const { gate, consumer } = await consuming(
      { inFlight: 2 },
      fillWith(6, (index) => `k${index}`),
    );
    expect(gate.started).toHaveLength(2);
    consumer.setInFlight(4);
    await settle();
    expect(gate.started).toHaveLength(4);
    expect(consumer.status).toMatchObject({ inFlight: 4, inFlightLimit: 4 });
  });

  it('can be lowered at runtime: running records finish, and no more than the new limit run afterwards', async () => {
    const { gate, consumer } = await consuming(
      { inFlight: 4 },
      fillWith(8, (index) => `k${index}`),
    );
    consumer.setInFlight(1);
    for (const name of ['r0', 'r1', 'r2']) await gate.end(name);
    expect(gate.started).toHaveLength(4);
    expect(consumer.status.inFlight).toBe(1);
    await gate.end('r3');
    expect(gate.started).toHaveLength(5);
    expect(consumer.status.inFlight).toBe(1);
  });

  it('can be lowered while a dependency is unavailable, and the consumer still recovers', async () => {
    const { clock, gate, consumer } = await consuming(
      { inFlight: 2 },
      fillWith(2, (index) => `k${index}`),
    );
    await gate.fail('r0', unavailable);
    consumer.setInFlight(1);
    await clock.advance(5_000);
    await gate.fail('r1', unavailable);
    await gate.end('r0');
    await gate.end('r1');
    expect(consumer.status).toMatchObject({ finished: 2, ready: true });
  });

  it.each([0, -1, 1.5, Number.NaN])('can not be %p', async (limit) => {
    const { consumer } = await consuming({}, () => undefined);
    expect(() => consumer.setInFlight(limit)).toThrow(RangeError);
  });

  it('starts at 200 with auto, and never exceeds maxInFlight', async () => {
    const { consumer } = await consuming({ inFlight: 'auto', maxInFlight: 150 }, () => undefined);
    expect(consumer.status.inFlightLimit).toBe(150);
    consumer.setInFlight(7);
    expect(consumer.status.inFlightLimit).toBe(7);
    consumer.setInFlight('auto');
    expect(consumer.status.inFlightLimit).toBe(150);
  });
});

describe('a key with many waiting records', () => {
  it('does not block other partitions', async () => {
    const { append, broker, clock, gate } = await consuming(
      { inFlight: 4, maxBuffered: 12 },
      fillWith(50, () => 'hot'),
    );
    expect(gate.started).toEqual(['r0']);
    for (const name of ['x', 'y']) append(1, name, name);
    void broker.fetch();
    await clock.advance(1_000);
    expect(gate.started).toEqual(['r0', 'x', 'y']);
  });

  it('does not block other keys of its partition while the window has room', async () => {
    const { gate, consumer } = await consuming({ inFlight: 4, maxBuffered: 12 }, (topic) => {
      fillWith(6, () => 'hot')(topic);
      for (const name of ['r6', 'r7']) topic.append(0, name, name);
    });
    expect(gate.started).toEqual(['r0', 'r6', 'r7']);
    expect(consumer.status.taken).toBe(8);
  });
});

describe('`environment` failures', () => {
  it('do not count as attempts', async () => {
    const { clock, gate } = await consuming({ maxAttempts: 2 }, (topic) => topic.append(0, 'a', 'a'));
    for (let failure = 0; failure < 5; failure += 1) {
      await gate.fail('a', unavailable);
      await clock.advance(5_000);
    }
    expect(gate.attempts('a').map(({ number }) => number)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('allow one probe at a time', async () => {
    const { clock, gate } = await consuming(
      { inFlight: 4 },
      fillWith(4, (index) => `k${index}`),
    );
    for (const name of ['r0', 'r1', 'r2', 'r3']) await gate.fail(name, unavailable);
    await clock.advance(60_000);
    expect(gate.started).toHaveLength(5);
  });

  it('allow another probe when one was withdrawn', async () => {
    const { broker, clock, gate, consumer } = await consuming({}, (topic) => topic.append(0, 'a', 'a'));
    await gate.fail('a', unavailable);
    await clock.advance(5_000);
    broker.startsUntil = clock.now();
    await gate.fail('a', new AttemptWithdrawnError());
    broker.startsUntil = Number.POSITIVE_INFINITY;
    await clock.advance(1_000);
    await gate.end('a');
    expect(consumer.status).toMatchObject({ finished: 1, ready: true });
  });

  it('allow another probe when the partition of one was revoked', async () => {
    const { broker, clock, gate, consumer } = await consuming({ drainTimeoutMs: 0 }, (topic) => {
      for (const partition of [0, 1]) topic.append(partition, 'a', `probe ${partition}`);
    });
    for (const name of ['probe 0', 'probe 1']) await gate.fail(name, unavailable);
    await clock.advance(5_000);
    expect(gate.started.at(-1)).toBe('probe 0');
    await broker.group.rebalance([[1]]);
    await gate.fail('probe 0', unavailable);
    await gate.end('probe 1');
    expect(consumer.status).toMatchObject({ finished: 1, ready: true });
  });
});
