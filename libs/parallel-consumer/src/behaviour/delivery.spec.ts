import { describe, expect, it } from '@jest/globals';
import type { ParallelConsumerOptions } from '../options.js';
import { consuming } from './gated-consumer.js';
import { settle } from '@orders-pipeline/clock/testing';
import { RecordsRejectedError } from '../failures/records-rejected.js';

const unavailable = Object.assign(new Error('database unavailable'), { code: 'ECONNREFUSED' });
const poison: Partial<ParallelConsumerOptions> = {
  classify: (error) => (error === unavailable ? 'environment' : 'poison'),
};

describe('the parallel consumer', () => {
  it('commits only up to the oldest unfinished record', async () => {
    const { clock, gate, committed } = await consuming({}, (topic) => {
      for (const name of ['a', 'b', 'c']) topic.append(0, name, name);
    });
    await gate.end('b');
    await gate.end('c');
    await clock.advance(1_000);
    expect(committed()).toBe(0);
    await gate.end('a');
    await clock.advance(1_000);
    expect(committed()).toBe(3);
  });

  it('handles the records of one key in order, also across failures and back-off', async () => {
    const { clock, gate } = await consuming({}, (topic) => {
      for (const name of ['a1', 'a2']) topic.append(0, 'a', name);
      topic.append(0, 'b', 'b1');
    });
    await gate.fail('a1', new Error('try again'));
    expect(gate.started).toEqual(['a1', 'b1']);
    await clock.advance(100);
    await gate.end('a1');
    expect(gate.started).toEqual(['a1', 'b1', 'a1', 'a2']);
  });

  it('dead-letters an invalid record immediately, with its origin and reason, and continues', async () => {
    const { clock, gate, committed, letters } = await consuming(poison, (topic) => {
      for (const name of ['bad', 'good']) topic.append(0, name, name);
    });
    await gate.fail('bad', new Error('no order'));
    await gate.end('good');
    await clock.advance(1_000);
    expect(committed()).toBe(2);
    expect(letters()).toHaveLength(1);
    expect(letters()[0]?.headers).toMatchObject({
      'dead-letter-origin-topic': 'orders',
      'dead-letter-origin-offset': '0',
      'dead-letter-error-message': 'no order',
      'dead-letter-attempts': '1',
    });
  });

  it('dead-letters a record after maxAttempts failures', async () => {
    const { clock, gate, letters } = await consuming({ maxAttempts: 3 }, (topic) => topic.append(0, 'a', 'a'));
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await gate.fail('a', new Error('still wrong'));
      await clock.advance(10_000);
    }
    expect(gate.started).toHaveLength(3);
    expect(letters()).toHaveLength(1);
  });

  it('commits nothing past a record whose dead letter can not be published', async () => {
    const { broker, clock, gate, committed, letters } = await consuming(poison, (topic) => {
      for (const name of ['bad', 'good']) topic.append(0, name, name);
    });
    broker.failing.publish = new Error('Kafka unavailable');
    await gate.fail('bad', new Error('no order'));
    await gate.end('good');
    await clock.advance(60_000);
    expect(committed()).toBe(0);
    delete broker.failing.publish;
    await clock.advance(10_000);
    expect(letters()).toHaveLength(1);
    expect(committed()).toBe(2);
  });

  it('is not ready while a dependency is unavailable, neither counts attempts nor dead-letters, and recovers afterwards', async () => {
    const { clock, gate, consumer, committed, letters } = await consuming({ ...poison, maxAttempts: 1 }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, name, name);
    });
    await gate.fail('a', unavailable);
    await gate.fail('b', unavailable);
    expect(consumer.status.ready).toBe(false);
    for (let probe = 0; probe < 20; probe += 1) {
      await clock.advance(5_000);
      await gate.fail('a', unavailable);
      await gate.fail('b', unavailable);
    }
    expect(letters()).toEqual([]);
    await clock.advance(5_000);
    await gate.end('a');
    await gate.end('b');
    await gate.end('a');
    await clock.advance(1_000);
    expect(committed()).toBe(2);
    expect(consumer.status).toMatchObject({ ready: true, deadLettered: 0, inFlight: 0, taken: 0 });
  });

  it('reports whether it is a member of the group', async () => {
    const { broker, consumer } = await consuming({}, () => undefined);
    expect(consumer.status).toMatchObject({ state: 'running', joined: true, ready: true });
    broker.expire();
    expect(consumer.status).toMatchObject({ state: 'running', joined: false, ready: false });
    await broker.rejoin();
    expect(consumer.status).toMatchObject({ joined: true, ready: true });
    await consumer.stop();
    expect(consumer.status).toMatchObject({ state: 'stopped', joined: false });
  });

  it('is not ready while the committed offset of a partition can not be read, and recovers afterwards', async () => {
    const { append, broker, clock, gate, consumer } = await consuming({}, () => undefined);
    broker.failing.committed = new Error('no coordinator');
    broker.expire();
    await broker.rejoin();
    expect(consumer.status).toMatchObject({ ready: false, notReadyBecause: 'the committed offsets are being read' });
    await clock.advance(15_000);
    expect(consumer.status.notReadyBecause).toMatch(/the committed offset of partition 0 could not be read since/);
    delete broker.failing.committed;
    await clock.advance(10_000);
    expect(consumer.status.ready).toBe(true);
    append(0, 'a', 'a');
    await broker.fetch();
    expect(gate.started).toEqual(['a']);
  });

  it('takes and starts no records while the coordinator is unavailable, and continues afterwards', async () => {
    const { broker, clock, gate, consumer } = await consuming({ inFlight: 1 }, (topic) => {
      for (const name of ['a', 'b', 'c', 'd']) topic.append(0, name, name);
    });
    broker.lastContactAt = clock.now();
    broker.startsUntil = clock.now() + 3_000;
    await clock.advance(6_000);
    await gate.end('a');
    await clock.advance(1_000);
    expect([gate.started, consumer.status.taken]).toEqual([['a'], 1]);
    expect(consumer.status.notReadyBecause).toMatch(/no response from the group coordinator/);
    broker.lastContactAt = Number.POSITIVE_INFINITY;
    broker.startsUntil = Number.POSITIVE_INFINITY;
    await clock.advance(1_000);
    expect(gate.started).toEqual(['a', 'b']);
  });

  it('starts what has waited for the coordinator, although there is nothing more to take', async () => {
    const { broker, clock, gate } = await consuming({ inFlight: 1 }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, name, name);
    });
    broker.startsUntil = clock.now();
    await gate.end('a');
    broker.startsUntil = Number.POSITIVE_INFINITY;
    await clock.advance(1_000);
    expect(gate.started).toEqual(['a', 'b']);
  });

  it('drains before a rebalance, commits, and leaves records that have not started for redelivery', async () => {
    const { broker, gate, committed } = await consuming({ inFlight: 1 }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, name, name);
    });
    const rebalanced = broker.group.rebalance([[1]]);
    await settle();
    expect(gate.started).toEqual(['a']);
    await gate.end('a');
    await rebalanced;
    expect(committed()).toBe(1);
    expect(gate.started).toEqual(['a']);
  });

  it('continues with a partition that it keeps, without repeating records', async () => {
    const { broker, gate, consumer } = await consuming({ inFlight: 4 }, (topic) => {
      for (const name of ['a1', 'a2']) topic.append(0, 'a', name);
    });
    const rebalanced = broker.group.rebalance([[0]]);
    await gate.end('a1');
    await rebalanced;
    await broker.fetch();
    await settle();
    expect(gate.started).toEqual(['a1', 'a2']);
    expect(consumer.status.taken).toBe(1);
  });

  it('does not commit for a revoked partition, even if its records finish later', async () => {
    const { broker, clock, gate, committed } = await consuming({ drainTimeoutMs: 100 }, (topic) =>
      topic.append(0, 'a', 'slow'),
    );
    const rebalanced = broker.group.rebalance([[1]]);
    await clock.advance(200);
    await rebalanced;
    await gate.end('slow');
    await clock.advance(10_000);
    expect(committed()).toBe(0);
  });

  it('retries a failed commit', async () => {
    const { broker, clock, gate, committed } = await consuming({}, (topic) => topic.append(0, 'a', 'a'));
    broker.failing.commit = new Error('coordinator unavailable');
    await gate.end('a');
    await clock.advance(1_000);
    delete broker.failing.commit;
    await clock.advance(1_000);
    expect(committed()).toBe(1);
  });

  it('pauses a partition at maxUncommittedOffsets, and continues once its oldest record is finished', async () => {
    const { broker, gate } = await consuming({ maxUncommittedOffsets: 2 }, (topic) => {
      for (const name of ['a', 'b', 'c']) topic.append(0, name, name);
    });
    await gate.end('b');
    await broker.fetch();
    expect(gate.started).toEqual(['a', 'b']);
    await gate.end('a');
    await broker.fetch();
    await settle();
    expect(gate.started).toEqual(['a', 'b', 'c']);
  });

  it('omits the value of a dead letter that Kafka rejects as too large, and continues', async () => {
    const { broker, clock, gate, committed, letters } = await consuming(poison, (topic) =>
      topic.append(0, 'bad', 'bad'),
    );
    broker.failing.publish = new RecordsRejectedError('MESSAGE_TOO_LARGE', {});
    await gate.fail('bad', new Error('no order'));
    delete broker.failing.publish;
    await clock.advance(10_000);
    expect(letters()[0]).toMatchObject({ value: null, headers: { 'dead-letter-value-omitted': '3' } });
    expect(committed()).toBe(1);
  });
});
