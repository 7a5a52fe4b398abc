import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { UnreadableRecordsError } from '../records/unreadable-records.js';
import { DelayedBroker } from './delayed-broker.js';
import type { BrokerListener, ReadResult } from './broker.js';

const DELAY_MS = 60_000;

const nothing = async (): Promise<void> => undefined;
const LISTENER: BrokerListener = {
  assigned: () => undefined,
  rebalancing: nothing,
  surrendering: nothing,
  lost: () => undefined,
};

describe('a broker with delayed topics', () => {
  let clock: ManualClock;
  let kafka: FakeKafka;
  let inner: FakeBroker;
  let broker: DelayedBroker;

  beforeEach(async () => {
    clock = new ManualClock();
    kafka = new FakeKafka();
    for (const topic of ['now', 'later']) kafka.createTopic(topic, 2);
    inner = new FakeBroker(kafka, { topic: ['later', 'now'], groupId: 'group', clock, fetching: 'auto' });
    broker = new DelayedBroker(inner, new Map([['later', DELAY_MS]]), clock);
    await broker.start(LISTENER);
    await settle();
  });

  function append(value: string, timestamp: number, topic = 'later'): void {
    kafka.append(topic, 0, 'key', value, { timestamp });
  }

  /** Reads from an offset; `answers` gets the values, or what came instead. */
  function read(offset: number, topic = 'later'): { readonly answers: unknown[] } {
    const answers: unknown[] = [];
    const position = { topic, partition: 0, offset, logId: kafka.log(topic, 0).id, leaderEpoch: undefined };
    void broker.read(position).then((answer) => answers.push(shown(answer)));
    return { answers };
  }

  it('returns each record once its delay has passed, and the others of its fetch later', async () => {
    const began = clock.now();
    append('a', began);
    append('b', began);
    await clock.advance(10_000);
    append('c', began + 10_000);
    const first = read(0);
    await clock.advance(DELAY_MS - 10_001);
    expect(first.answers).toEqual([]);
    await clock.advance(1);
    expect(first.answers).toEqual([{ values: ['a', 'b'], fetchOffset: 0, lastOffset: 1 }]);
    const second = read(2);
    await clock.advance(9_999);
    expect(second.answers).toEqual([]);
    await clock.advance(1);
    expect(second.answers).toEqual([{ values: ['c'], fetchOffset: 2, lastOffset: 2 }]);
  });

  it('delays no other topic', async () => {
    append('a', clock.now(), 'now');
    const { answers } = read(0, 'now');
    await settle();
    expect(answers).toEqual([{ values: ['a'], fetchOffset: 0, lastOffset: 0 }]);
  });

  it('waits for the delay only, if the clock that stamped a record is ahead', async () => {
    append('a', clock.now() + 3_600_000);
    const { answers } = read(0);
    await clock.advance(DELAY_MS);
    expect(answers).toHaveLength(1);
  });

  it('covers markers and compacted records behind the last record', async () => {
    append('a', clock.now());
    kafka.appendMarker('later', 0);
    const { answers } = read(0);
    await clock.advance(DELAY_MS);
    expect(answers).toEqual([{ values: ['a'], fetchOffset: 0, lastOffset: 1 }]);
  });

  it('reads from the log again when another offset is asked for', async () => {
    append('a', 0);
    await clock.advance(DELAY_MS);
    append('b', clock.now());
    const first = read(0);
    await settle();
    expect(first.answers).toEqual([{ values: ['a'], fetchOffset: 0, lastOffset: 0 }]);
    const again = read(0);
    await settle();
    expect(again.answers).toEqual(first.answers);
  });

  it('answers a waiting read with undefined when the partition goes to another member, and forgets the fetch', async () => {
    append('a', clock.now());
    const waiting = read(0);
    await settle();
    const other = new FakeBroker(kafka, { topic: ['later', 'now'], groupId: 'group', clock });
    await other.start(LISTENER);
    await inner.group.rebalance([[1], [0]]);
    await settle();
    expect(waiting.answers).toStrictEqual([undefined]);
    kafka.deleteBefore('later', 0, 1);
    await inner.group.rebalance([[0, 1], []]);
    const { answers } = read(0);
    await settle();
    expect(answers).toEqual([{ type: 'deleted', earliest: 1 }]);
  });

  it('answers a waiting read with undefined when it stops', async () => {
    append('a', clock.now());
    const waiting = read(0);
    await settle();
    await broker.stop();
    await settle();
    expect(waiting.answers).toStrictEqual([undefined]);
  });

  it('returns the records before unreadable ones when they are due, and throws at these', async () => {
    append('a', clock.now());
    kafka.appendUnreadable('later', 0, 'corrupt-records');
    const { answers } = read(0);
    await clock.advance(DELAY_MS);
    expect(answers).toEqual([expect.any(UnreadableRecordsError)]);
  });
});

function shown(answer: ReadResult | undefined): unknown {
  if (answer?.type !== 'records') return answer;
  const values: string[] = [];
  try {
    for (let next = answer.records.next(); !next.done; next = answer.records.next())
      values.push(String(next.value.value));
  } catch (error) {
    expect(values).toEqual(['a']);
    expect(() => answer.records.next()).toThrow((error as Error).message);
    return error;
  }
  return { values, fetchOffset: answer.fetchOffset, lastOffset: answer.lastOffset };
}
