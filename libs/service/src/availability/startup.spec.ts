import { beforeEach, describe, expect, it } from '@jest/globals';
import { MongoServerError, MongoServerSelectionError, type TopologyDescription } from 'mongodb';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { Outages } from './outages.js';
import { WrongKafkaError } from '../kafka/prepare-topics.js';
import { MissingIndexError } from '../mongodb/require-indexes.js';
import { isRefused, Startup } from './startup.js';

/** Fails with these messages, and then succeeds. */
function failing(...messages: string[]): () => Promise<string> {
  return async () => {
    const message = messages.shift();
    if (message !== undefined) throw new Error(message);
    return 'connected';
  };
}

describe('a start', () => {
  let clock: ManualClock;
  let logged: [message: string, fields: object][];
  let startup: Startup;

  beforeEach(() => {
    clock = new ManualClock();
    logged = [];
    const log = (fields: object, message: string): void => void logged.push([message, fields]);
    startup = new Startup({ warn: log, info: log }, clock);
  });

  it('repeats an attempt each second until it succeeds', async () => {
    const waited = startup.until('kafka', failing('away', 'away'));
    await clock.advance(1_999);
    expect(startup.outages.all.get('kafka')?.reason).toBe('away');
    await clock.advance(1);
    expect(await waited).toBe('connected');
    expect(startup.outages.all.size).toBe(0);
  });

  it('knows everything that is away, and since when', async () => {
    void startup.until('mongodb', failing('no primary', 'no primary', 'no primary'));
    await clock.advance(1_500);
    void startup.until('kafka', failing('refused'));
    await clock.advance(0);
    expect(Object.fromEntries(startup.outages.all)).toEqual({
      mongodb: { reason: 'no primary', since: '1970-01-01T00:00:00.000Z' },
      kafka: { reason: 'refused', since: '1970-01-01T00:00:01.500Z' },
    });
  });

  it('logs a line for each change, and none for each attempt', async () => {
    const waited = startup.until('kafka', failing('refused :9092', 'refused :9093', 'refused :9092', 'unsafe topic'));
    await clock.advance(4_000);
    await waited;
    expect(logged.map(([message, fields]) => [message, 'reason' in fields ? fields.reason : undefined])).toEqual([
      ['not ready', 'refused :9092'],
      ['not ready', 'unsafe topic'],
      ['available again', undefined],
    ]);
  });

  it('warns of what needs attention only', () => {
    const levels: string[] = [];
    const outages = new Outages({ warn: () => levels.push('warn'), info: () => levels.push('info') }, clock);
    outages.failed('group', new Error('the consumer is starting'), true);
    outages.works('group');
    outages.failed('group', new Error('no coordinator'));
    expect(levels).toEqual(['info', 'info', 'warn']);
  });

  it('ends at once if waiting can not help', async () => {
    const wrongPassword = new MongoServerError({ message: 'Authentication failed.', code: 18 });
    await expect(startup.until('mongodb', async () => Promise.reject(wrongPassword))).rejects.toBe(wrongPassword);
    expect(logged).toEqual([]);
  });
});

describe('a failure', () => {
  const denied = Object.assign(new Error('denied'), {
    name: 'KafkaJSProtocolError',
    type: 'TOPIC_AUTHORIZATION_FAILED',
  });
  const expired = Object.assign(new Error(''), { name: 'KafkaJSConnectionError', code: 'CERT_HAS_EXPIRED' });
  const foreign = Object.assign(new Error(''), { name: 'KafkaJSConnectionError', code: 'SELF_SIGNED_CERT_IN_CHAIN' });

  it.each([
    ['a server that is away', new MongoServerSelectionError('no primary', {} as TopologyDescription), false],
    ['a missing index, which the migration creates', new MissingIndexError('Index a is missing'), false],
    ['a topic with too few copies, which topics apply repairs', new WrongKafkaError('unsafe-topic', ''), false],
    ['a missing right, which is granted at the server', denied, false],
    ['an expired certificate, which is renewed at the server', expired, false],
    ['a certificate that the settings do not accept', foreign, true],
    ['another cluster than the settings name', new WrongKafkaError('wrong-cluster', ''), true],
    ['another number of partitions than the settings name', new WrongKafkaError('wrong-partition-count', ''), true],
  ])('(%s) is waited for, or ends the start', (_, error, ends) => {
    expect(isRefused(error)).toBe(ends);
  });
});
