import { describe, expect, it } from '@jest/globals';
import { consuming, type Append } from './testing/gated-consumer.js';
import { settle } from './testing/manual-clock.js';

const away = Object.assign(new Error('database away'), { code: 'ECONNREFUSED' });

function fillWith(count: number, key: (index: number) => string) {
  return ({ append }: { append: Append }): void => {
    for (let index = 0; index < count; index += 1) append(0, key(index), `r${index}`);
  };
}

describe('the limit of what runs at once', () => {
  it('can be raised while running: more start at once', async () => {
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

  it('can be lowered while running: what runs beyond it ends, and no more than it start after that', async () => {
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

  it('that was lowered while the environment is away does not keep it away', async () => {
    const { clock, gate, consumer } = await consuming(
      { inFlight: 2 },
      fillWith(2, (index) => `k${index}`),
    );
    await gate.fail('r0', away);
    consumer.setInFlight(1);
    await clock.advance(5_000);
    await gate.fail('r1', away);
    await gate.end('r0');
    await gate.end('r1');
    expect(consumer.status).toMatchObject({ finished: 2, ready: true });
  });

  it.each([0, -1, 1.5, Number.NaN])('can not be %p', async (limit) => {
    const { consumer } = await consuming({}, () => undefined);
    expect(() => consumer.setInFlight(limit)).toThrow(RangeError);
  });

  it('is searched for when it is auto, from 200 on, and never beyond its bound', async () => {
    const { consumer } = await consuming({ inFlight: 'auto', maxInFlight: 150 }, () => undefined);
    expect(consumer.status.inFlightLimit).toBe(150);
    consumer.setInFlight(7);
    expect(consumer.status.inFlightLimit).toBe(7);
    consumer.setInFlight('auto');
    expect(consumer.status.inFlightLimit).toBe(150);
  });
});

describe('a key with much behind it', () => {
  it('does not keep other partitions from being read', async () => {
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

  it('does not keep other keys of its partition from being read while it has room behind it', async () => {
    const { gate, consumer } = await consuming({ inFlight: 4, maxBuffered: 12 }, (topic) => {
      fillWith(6, () => 'hot')(topic);
      for (const name of ['r6', 'r7']) topic.append(0, name, name);
    });
    expect(gate.started).toEqual(['r0', 'r6', 'r7']);
    expect(consumer.status.taken).toBe(8);
  });
});

describe('failures of the environment', () => {
  it('leave the attempts of a record as they were', async () => {
    const { clock, gate } = await consuming({ maxAttempts: 2 }, (topic) => topic.append(0, 'a', 'a'));
    for (let failure = 0; failure < 5; failure += 1) {
      await gate.fail('a', away);
      await clock.advance(5_000);
    }
    expect(gate.attempts('a').map(({ number }) => number)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('let one probe go at a time', async () => {
    const { clock, gate } = await consuming(
      { inFlight: 4 },
      fillWith(4, (index) => `k${index}`),
    );
    for (const name of ['r0', 'r1', 'r2', 'r3']) await gate.fail(name, away);
    await clock.advance(60_000);
    expect(gate.started).toHaveLength(5);
  });
});
