import { describe, expect, it } from '@jest/globals';
import { consuming } from './gated-consumer.js';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';

const unavailable = Object.assign(new Error('database unavailable'), { code: 'ECONNREFUSED' });

describe('a stop of the parallel consumer', () => {
  it('finishes and commits running work when it stops, and reports the result', async () => {
    const { gate, consumer, committed } = await consuming({ inFlight: 1 }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, name, name);
    });
    const stopped = consumer.stop();
    await gate.end('a');
    expect(await stopped).toEqual({ finished: 1, deadLettered: 0, handedOver: 1, lost: 0 });
    expect(committed()).toBe(1);
    expect(consumer.status.state).toBe('stopped');
  });

  it('logs on a stop what it has finished since the start, besides what the drain finished, and how much of it is dead-lettered', async () => {
    const names = ['a', 'b', 'c', 'poison', 'last poison'];
    const { consumer, gate, log } = await consuming({ classify: () => 'poison' }, (topic) => {
      for (const name of names) topic.append(0, name, name);
    });
    for (const name of ['a', 'b', 'c']) await gate.end(name);
    await gate.fail('poison', new Error('no order'));
    const stopped = consumer.stop();
    await gate.fail('last poison', new Error('no order'));
    await stopped;
    expect(log.entries.find(({ message }) => message.startsWith('stopped'))).toMatchObject({
      message:
        'stopped: finished 5 since the start (2 dead-lettered); the drain finished 1 (1 dead-lettered), 0 left for redelivery, 0 unaccounted for',
      details: { finishedSinceStart: 5, deadLetteredSinceStart: 2, finished: 1, deadLettered: 1 },
    });
  });

  it('keeps its partitions until running work has ended when a rebalance starts during a stop', async () => {
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

  it('is final, and a consumer starts only once', async () => {
    const { consumer } = await consuming({}, () => undefined);
    await expect(consumer.start()).rejects.toMatchObject({ code: 'started-before' });
    expect(consumer.status.ready).toBe(true);
    await consumer.stop();
    await expect(consumer.start()).rejects.toThrow(
      'this consumer was started or stopped before: create another one, with a broker of its own',
    );
  });

  it('ends the waits for retries and probes, and accounts for their records', async () => {
    const clock = new ManualClock();
    const timers = new Set<object>();
    const counting = {
      now: () => clock.now(),
      after: (ms: number, run: () => void) => {
        const timer = {};
        timers.add(timer);
        const cancel = clock.after(ms, () => {
          timers.delete(timer);
          run();
        });
        return () => {
          timers.delete(timer);
          cancel();
        };
      },
    };
    const { gate, consumer } = await consuming({ clock: counting }, (topic) => {
      for (const name of ['retried', 'probe', 'aside', 'last']) topic.append(0, name, name);
    });
    await gate.fail('retried', new Error('not yet'));
    await gate.fail('probe', unavailable);
    await clock.advance(200);
    await gate.fail('probe', new Error('not yet'));
    await gate.end('aside');
    await gate.end('last');
    expect(consumer.status).toMatchObject({ taken: 2, suspendedBecause: 'environment' });
    expect(await consumer.stop()).toMatchObject({ handedOver: 2, lost: 0 });
    expect(consumer.status).toMatchObject({ taken: 0, finished: 2 });
    expect(timers.size).toBe(0);
  });
});
