import { describe, expect, it } from '@jest/globals';
import type { ParallelConsumerOptions } from './options.js';
import { consuming } from './testing/gated-consumer.js';
import { settle } from './testing/manual-clock.js';
import { RecordsRefusedError } from './records/records-refused.js';

const away = Object.assign(new Error('database away'), { code: 'ECONNREFUSED' });
const poison: Partial<ParallelConsumerOptions> = {
  classify: (error) => (error === away ? 'environment' : 'poison'),
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

  it('saves the records of one key in their order, through failures and back-off', async () => {
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

  it('dead-letters poison at once, with its origin and reason, and goes on', async () => {
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

  it('dead-letters a record that failed as often as it may', async () => {
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
    broker.failing.publish = new Error('Kafka away');
    await gate.fail('bad', new Error('no order'));
    await gate.end('good');
    await clock.advance(60_000);
    expect(committed()).toBe(0);
    delete broker.failing.publish;
    await clock.advance(10_000);
    expect(letters()).toHaveLength(1);
    expect(committed()).toBe(2);
  });

  it('neither counts nor dead-letters while the environment is away, is not ready, and goes on when it is back', async () => {
    const { clock, gate, consumer, committed, letters } = await consuming({ ...poison, maxAttempts: 1 }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, name, name);
    });
    await gate.fail('a', away);
    await gate.fail('b', away);
    expect(consumer.status.ready).toBe(false);
    for (let probe = 0; probe < 20; probe += 1) {
      await clock.advance(5_000);
      await gate.fail('a', away);
      await gate.fail('b', away);
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

  it('is not ready while the committed offset of a partition can not be read, and reads on once it can', async () => {
    const { append, broker, clock, gate, consumer } = await consuming({}, () => undefined);
    broker.failing.committed = new Error('no coordinator');
    broker.expire();
    await broker.rejoin();
    await clock.advance(15_000);
    expect(consumer.status.notReadyBecause).toMatch(/no committed offset of partition 0 could be read since/);
    delete broker.failing.committed;
    await clock.advance(10_000);
    expect(consumer.status.ready).toBe(true);
    append(0, 'a', 'a');
    await broker.fetch();
    expect(gate.started).toEqual(['a']);
  });

  it('takes nothing more while the coordinator is away, though it has records buffered, and goes on once it is back', async () => {
    const { broker, clock, gate, consumer } = await consuming({ inFlight: 1 }, (topic) => {
      for (const name of ['a', 'b', 'c', 'd']) topic.append(0, name, name);
    });
    broker.lastContactAt = clock.now();
    await clock.advance(6_000);
    for (const name of ['a', 'b']) await gate.end(name);
    await clock.advance(1_000);
    expect(gate.started).toEqual(['a', 'b']);
    expect(consumer.status.notReadyBecause).toMatch(/no sign of life/);
    broker.lastContactAt = Number.POSITIVE_INFINITY;
    await clock.advance(1_000);
    expect(gate.started).toEqual(['a', 'b', 'c']);
  });

  it('drains before a rebalance, commits, and hands over what it did not begin', async () => {
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

  it('goes on with a partition that it keeps, and runs nothing of it again', async () => {
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

  it('does not commit for a partition that it lost, whatever still ends there', async () => {
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

  it('stops with its running work finished and committed, and says so', async () => {
    const { gate, consumer, committed } = await consuming({ inFlight: 1 }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, name, name);
    });
    const stopped = consumer.stop();
    await gate.end('a');
    expect(await stopped).toEqual({ finished: 1, handedOver: 1, lost: 0 });
    expect(committed()).toBe(1);
    expect(consumer.status.state).toBe('stopped');
  });

  it('keeps its partitions until its running work has ended, when a rebalance comes while it stops', async () => {
    const { broker, gate, consumer, committed } = await consuming({}, (topic) => topic.append(0, 'a', 'a'));
    const stopped = consumer.stop();
    const { generation } = broker.group;
    void broker.group.rebalance();
    await settle();
    expect(broker.group.generation).toBe(generation);
    await gate.end('a');
    await stopped;
    expect(committed()).toBe(1);
  });

  it('commits again what a failed commit carried', async () => {
    const { broker, clock, gate, committed } = await consuming({}, (topic) => topic.append(0, 'a', 'a'));
    broker.failing.commit = new Error('coordinator away');
    await gate.end('a');
    await clock.advance(1_000);
    delete broker.failing.commit;
    await clock.advance(1_000);
    expect(committed()).toBe(1);
  });

  it('takes nothing more from a partition whose oldest record is too far behind, and goes on once it is done', async () => {
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

  it('leaves the value out of a dead letter that Kafka refuses as too large, and goes on', async () => {
    const { broker, clock, gate, committed, letters } = await consuming(poison, (topic) =>
      topic.append(0, 'bad', 'bad'),
    );
    broker.failing.publish = new RecordsRefusedError('MESSAGE_TOO_LARGE', {});
    await gate.fail('bad', new Error('no order'));
    delete broker.failing.publish;
    await clock.advance(10_000);
    expect(letters()[0]).toMatchObject({ value: null, headers: { 'dead-letter-value-omitted': '3' } });
    expect(committed()).toBe(1);
  });
});
