import { describe, expect, it } from '@jest/globals';
import type { ParallelConsumerOptions } from '../options.js';
import { consuming } from './gated-consumer.js';

const unavailable = Object.assign(new Error('database unavailable'), { code: 'ECONNREFUSED' });
const limited: Partial<ParallelConsumerOptions> = {
  attemptTimeoutMs: 10_000,
  attemptGraceMs: 3_000,
  maxAttempts: 2,
  retryBackOff: { initialMs: 100, maxMs: 100 },
  classify: (error) => (error === unavailable ? 'environment' : 'retriable'),
};

describe('an attempt that does not end', () => {
  it('is aborted at its time limit, and abandoned after the grace period: counted, logged and retried', async () => {
    const outcomes: string[] = [];
    const observer = { attempted: (outcome: string) => void outcomes.push(outcome) };
    const { clock, gate, log, consumer } = await consuming({ ...limited, observer }, (topic) =>
      topic.append(0, 'a', 'hangs'),
    );
    const [attempt] = gate.attempts('hangs');
    await clock.advance(9_000);
    expect(attempt?.signal.aborted).toBe(false);
    await clock.advance(1_500);
    expect(attempt?.signal.aborted).toBe(true);
    expect(gate.started).toEqual(['hangs']);
    await clock.advance(4_000);
    expect(gate.started).toEqual(['hangs', 'hangs']);
    expect(gate.attempts('hangs')[1]?.number).toBe(2);
    expect(consumer.status).toMatchObject({ abandoned: 1, retries: 1, inFlight: 1, finished: 0 });
    expect(outcomes).toEqual(['abandoned']);
    expect(log.matching(/attempt abandoned/)).toMatchObject([{ partition: 0, offset: 0, attempt: 1 }]);
  });

  it('is dead-lettered with its code after maxAttempts abandoned attempts', async () => {
    const { clock, gate, committed, letters } = await consuming(limited, (topic) => topic.append(0, 'a', 'hangs'));
    await clock.advance(30_000);
    expect(gate.started).toHaveLength(2);
    expect(letters()[0]?.headers).toMatchObject({
      'dead-letter-error-code': 'attempt-abandoned',
      'dead-letter-attempts': '2',
    });
    expect(committed()).toBe(1);
  });

  it('can end later without an effect: the next attempt decides about the record', async () => {
    const { clock, gate, consumer, committed } = await consuming(limited, (topic) => topic.append(0, 'a', 'hangs'));
    await clock.advance(14_500);
    await gate.end('hangs', 0);
    await clock.advance(1_000);
    expect(committed()).toBe(0);
    expect(consumer.status).toMatchObject({ finished: 0, inFlight: 1 });
    await gate.end('hangs', 1);
    await clock.advance(1_000);
    expect(committed()).toBe(1);
    expect(consumer.status).toMatchObject({ finished: 1, inFlight: 0, taken: 0 });
  });

  it('blocks only its own key, and only until it is abandoned', async () => {
    const { clock, gate } = await consuming({ ...limited, maxAttempts: 1 }, (topic) => {
      for (const name of ['hangs', 'behind']) topic.append(0, 'a', name);
      topic.append(0, 'b', 'other');
    });
    expect(gate.started).toEqual(['hangs', 'other']);
    await clock.advance(15_000);
    expect(gate.started).toEqual(['hangs', 'other', 'behind']);
  });

  it('is not retried when its partition was revoked meanwhile', async () => {
    const { broker, clock, consumer } = await consuming({ ...limited, drainTimeoutMs: 0 }, (topic) =>
      topic.append(0, 'a', 'hangs'),
    );
    await broker.group.rebalance([[1]]);
    await clock.advance(20_000);
    expect(consumer.status).toMatchObject({ inFlight: 0, taken: 0, abandoned: 1, retries: 0 });
  });

  it('does not end the probing of an unavailable dependency', async () => {
    const { clock, gate, consumer } = await consuming({ ...limited, inFlight: 1 }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, name, name);
    });
    await gate.fail('a', unavailable);
    await clock.advance(20_000);
    expect(consumer.status.abandoned).toBe(1);
    await clock.advance(5_000);
    for (const name of ['a', 'b', 'a', 'b']) {
      await gate.end(name);
      await clock.advance(1_000);
    }
    expect(consumer.status).toMatchObject({ finished: 2, ready: true, inFlight: 0 });
  });
});
