import { describe, expect, it } from '@jest/globals';
import { consuming } from './gated-consumer.js';

const unavailable = Object.assign(new Error('database unavailable'), { code: 'ECONNREFUSED' });

describe('a stalled record', () => {
  it('is reported in the status and, periodically, in the log', async () => {
    const { clock, log, consumer } = await consuming({ stalledRecordWarnMs: 10_000 }, (topic) =>
      topic.append(0, 'k', 'slow'),
    );
    await clock.advance(9_500);
    expect(consumer.status.partitions[0]?.oldestRecord).toEqual({ offset: 0, key: 'k', ageMs: 9_500, attempt: 1 });
    expect(log.matching(/blocks the commit/)).toEqual([]);
    // The check runs once a second: the time counts from the first check that finds the record.
    await clock.advance(2_000);
    expect(log.matching(/blocks the commit/)).toMatchObject([{ partition: 0, offset: 0, key: 'k', attempt: 1 }]);
    await clock.advance(9_000);
    expect(log.matching(/blocks the commit/)).toHaveLength(1);
    await clock.advance(2_000);
    expect(log.matching(/blocks the commit/)).toHaveLength(2);
  });

  it('is dead-lettered after stalledRecordDeadLetterMs, and the later result of its handler is ignored', async () => {
    const { clock, gate, consumer, committed, letters } = await consuming(
      { stalledRecordDeadLetterMs: 5_000 },
      (topic) => {
        for (const name of ['slow', 'behind']) topic.append(0, 'k', name);
      },
    );
    await clock.advance(6_000);
    expect(gate.attempts('slow')[0]?.signal.aborted).toBe(true);
    expect(letters()[0]).toMatchObject({ value: 'slow', headers: { 'dead-letter-error-code': 'stalled-record' } });
    expect(gate.started).toEqual(['slow', 'behind']);
    await gate.end('slow');
    await clock.advance(1_000);
    expect(committed()).toBe(1);
    expect(consumer.status).toMatchObject({ finished: 1, deadLettered: 1, inFlight: 1 });
  });

  it('is dead-lettered at its next attempt when it waits for a retry', async () => {
    const options = { stalledRecordDeadLetterMs: 5_000, retryBackOff: { initialMs: 20_000, maxMs: 20_000 } };
    const { clock, gate, committed, letters } = await consuming(options, (topic) => topic.append(0, 'k', 'fails'));
    await gate.fail('fails', new Error('not yet'));
    await clock.advance(10_000);
    expect(letters()).toEqual([]);
    await clock.advance(12_000);
    expect(gate.started).toEqual(['fails']);
    expect(letters()).toHaveLength(1);
    expect(committed()).toBe(1);
  });

  it('does not affect the records behind it: each has its own period', async () => {
    const { clock, gate, letters } = await consuming({ stalledRecordDeadLetterMs: 5_000 }, (topic) => {
      for (const name of ['slow', 'behind']) topic.append(0, 'k', name);
    });
    await clock.advance(10_000);
    expect(letters().map(({ value }) => value)).toEqual(['slow']);
    await gate.end('behind');
    await clock.advance(10_000);
    expect(letters()).toHaveLength(1);
  });

  it('is neither logged nor dead-lettered when a dependency was unavailable', async () => {
    const options = { stalledRecordWarnMs: 5_000, stalledRecordDeadLetterMs: 5_000 };
    const { clock, gate, log, letters } = await consuming(options, (topic) => topic.append(0, 'k', 'a'));
    await gate.fail('a', unavailable);
    for (let probe = 0; probe < 10; probe += 1) {
      await clock.advance(5_000);
      await gate.fail('a', unavailable);
    }
    await clock.advance(5_000);
    await gate.end('a');
    await clock.advance(1_000);
    expect(log.matching(/blocks the commit/)).toEqual([]);
    expect(letters()).toEqual([]);
  });

  it('is named by each failed probe while the consumer is suspended', async () => {
    const { clock, gate, log } = await consuming({}, (topic) => topic.append(1, 'k', 'a'));
    await gate.fail('a', unavailable);
    await clock.advance(5_000);
    await gate.fail('a', unavailable);
    const record = { topic: 'orders', partition: 1, offset: 0, code: 'ECONNREFUSED' };
    expect(log.matching(/dependency unavailable/)).toMatchObject([record, record]);
  });
});
