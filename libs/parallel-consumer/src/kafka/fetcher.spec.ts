import { describe, expect, it } from '@jest/globals';
import { FETCH, type FetchedPartition, type FetchRequest } from '../protocol/fetch-request.js';
import { METADATA } from '../protocol/metadata-request.js';
import { LIST_OFFSETS } from '../protocol/offset-requests.js';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { batchBytes, markerBytes } from '../records/testing/record-batches.js';
import { ScriptedConnections } from './testing/scripted-connections.js';
import type { ReadResult } from '../broker/broker.js';
import { Fetcher } from './fetcher.js';
import { TopicLogs } from './topic-logs.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const LOG = 'a'.repeat(32);
const OTHER_LOG = 'b'.repeat(32);
const at = (offset: number, partition = 0, leaderEpoch: number | undefined = 3) => ({
  topic: 'orders',
  partition,
  offset,
  logId: LOG,
  leaderEpoch,
});
const topicOf =
  (topicId: string, leaders: readonly number[] = [1, 1]) =>
  () => ({
    nodes: [],
    controllerId: 1,
    topics: [
      {
        errorCode: 0,
        name: 'orders',
        topicId,
        partitions: leaders.map((leader, partition) => ({ partition, leader, leaderEpoch: 4 })),
      },
    ],
  });
const records = (baseOffset: number, ...texts: string[]): Buffer =>
  batchBytes({ baseOffset, leaderEpoch: 4, records: texts.map((text) => ({ value: Buffer.from(text) })) });

/** A node's response for one partition. */
const fetched = (fields: Partial<FetchedPartition>): FetchedPartition => ({
  topicId: LOG,
  partition: 0,
  errorCode: 0,
  highWatermark: 100,
  lastStableOffset: 90,
  abortedTransactions: [],
  diverging: undefined,
  records: Buffer.alloc(0),
  ...fields,
});
const respondWith =
  (...partitions: Partial<FetchedPartition>[]) =>
  (_request: FetchRequest) => ({ errorCode: 0, partitions: partitions.map(fetched) });

const partitionAt = (number: number) => ({ topic: 'orders', partition: number });

const never = async (): Promise<never> => new Promise(() => undefined);

async function createFetcher(leaders?: readonly number[]) {
  const clock = new ManualClock();
  const connections = new ScriptedConnections().answer(METADATA, topicOf(LOG, leaders)).answer(FETCH, never);
  const logs = new TopicLogs(connections);
  await logs.of('orders').refresh();
  const fetcher = new Fetcher(connections, logs, {
    maxBytes: 1_000,
    maxBytesPerPartition: 100,
    maxDecompressedBytes: 1_000,
    logger: quiet,
    clock,
    random: Math.random,
  });
  fetcher.assign([partitionAt(0), partitionAt(1)], false);
  return { clock, connections, fetcher, logs };
}

const getValues = (answer: ReadResult | undefined): string[] => {
  if (answer?.type !== 'records') throw new Error(`not records: ${String(answer?.type)}`);
  const values: string[] = [];
  for (let next = answer.records.next(); !next.done; next = answer.records.next())
    values.push(String(next.value.value));
  return values;
};

describe('Fetcher', () => {
  it('reads all partitions of a node in one fetch, with the topic id and the epoch of the last record', async () => {
    const { connections, fetcher } = await createFetcher();
    connections.answer(
      FETCH,
      respondWith({ partition: 0, records: records(5, 'a', 'b') }, { partition: 1, records: records(8, 'c') }),
      never,
    );
    const [first, second] = await Promise.all([fetcher.read(at(5)), fetcher.read(at(8, 1))]);
    expect(connections.made(FETCH)[0]?.partitions).toMatchObject([
      { topicId: LOG, partition: 0, offset: 5, currentLeaderEpoch: 4, lastFetchedEpoch: 3 },
      { topicId: LOG, partition: 1, offset: 8, currentLeaderEpoch: 4, lastFetchedEpoch: 3 },
    ]);
    expect(first).toMatchObject({
      fetchOffset: 5,
      lastOffset: 6,
      highWatermark: 100,
      lastStableOffset: 90,
      epochs: [{ epoch: 4, offset: 5 }],
    });
    expect([getValues(first), getValues(second)]).toEqual([['a', 'b'], ['c']]);
  });

  it('returns a batch that contains only markers', async () => {
    const { connections, fetcher } = await createFetcher();
    connections.answer(FETCH, respondWith({ records: markerBytes(5, 1, 'abort') }), never);
    const answer = await fetcher.read(at(0));
    expect(answer).toMatchObject({ fetchOffset: 0, lastOffset: 5 });
    expect(getValues(answer)).toEqual([]);
  });

  it('fetches again while there are no records, one fetch at a time', async () => {
    const { connections, fetcher } = await createFetcher();
    connections.answer(FETCH, respondWith({}), respondWith({}), respondWith({ records: records(5, 'a') }), never);
    expect(getValues(await fetcher.read(at(5)))).toEqual(['a']);
    expect(connections.made(FETCH)).toHaveLength(3);
  });

  it('follows a partition to its new leader, and reads the other partitions meanwhile', async () => {
    const { clock, connections, fetcher } = await createFetcher([1, 2]);
    connections.answer(METADATA, topicOf(LOG, [2, 2])).answer(FETCH, (_request, node) =>
      node === 1
        ? { errorCode: 0, partitions: [fetched({ errorCode: 6 })] }
        : {
            errorCode: 0,
            partitions: [fetched({ records: records(5, 'a') }), fetched({ partition: 1, records: records(8, 'b') })],
          },
    );
    const moved = fetcher.read(at(5));
    expect(getValues(await fetcher.read(at(8, 1)))).toEqual(['b']);
    await clock.advance(1_000);
    expect(getValues(await moved)).toEqual(['a']);
  });

  it('retries a node that does not respond, and exposes when the failure started', async () => {
    const { clock, connections, fetcher } = await createFetcher();
    connections.answer(
      FETCH,
      () => new Error('closed'),
      () => new Error('closed'),
      respondWith({ records: records(5, 'a') }),
      never,
    );
    const read = fetcher.read(at(5));
    await settle();
    expect(fetcher.failure?.since).toBe(clock.now());
    await clock.advance(2_000);
    expect(getValues(await read)).toEqual(['a']);
    expect(fetcher.failure?.since).toBeUndefined();
  });

  it.each([
    ['refers to deleted records', 7, { type: 'deleted', earliest: 10 }],
    ['is beyond the end of the log', 30, { type: 'truncated', end: 20, epoch: undefined }],
  ])('reports a position that %s', async (_what, offset, expected) => {
    const { connections, fetcher } = await createFetcher();
    connections
      .answer(FETCH, respondWith({ errorCode: 1 }))
      .answer(LIST_OFFSETS, ({ edge }) => (edge === 'earliest' ? 10 : 20));
    expect(await fetcher.read(at(offset))).toEqual(expected);
  });

  it('fetches without the epoch when only the first records of that epoch were deleted', async () => {
    const { clock, connections, fetcher } = await createFetcher();
    connections
      .answer(FETCH, respondWith({ errorCode: 1 }), respondWith({ records: records(15, 'a') }), never)
      .answer(LIST_OFFSETS, ({ edge }) => (edge === 'earliest' ? 10 : 20));
    const read = fetcher.read(at(15));
    await clock.advance(1_000);
    expect(getValues(await read)).toEqual(['a']);
    expect(connections.made(FETCH).map(({ partitions }) => partitions[0]?.lastFetchedEpoch)).toEqual([3, -1]);
  });

  it('reports a leader that lost records that were read', async () => {
    const { connections, fetcher } = await createFetcher();
    connections.answer(FETCH, respondWith({ diverging: { epoch: 2, endOffset: 12 } }));
    expect(await fetcher.read(at(15))).toEqual({ type: 'truncated', end: 12, epoch: 2 });
  });

  it.each([12, 20])(
    'reads on without the epoch when compaction removed all records of the epoch: the last one before it ends at %i',
    async (endOffset) => {
      const { connections, fetcher } = await createFetcher();
      connections.answer(
        FETCH,
        respondWith({ diverging: { epoch: 2, endOffset } }),
        respondWith({ records: records(12, 'a') }),
        never,
      );
      expect(getValues(await fetcher.read(at(12)))).toEqual(['a']);
      expect(connections.made(FETCH).map(({ partitions }) => partitions[0]?.lastFetchedEpoch)).toEqual([3, -1]);
    },
  );

  it('reports a log with records of an earlier epoch behind the position', async () => {
    const { connections, fetcher } = await createFetcher();
    connections.answer(
      FETCH,
      respondWith({ diverging: { epoch: 2, endOffset: 20 } }),
      respondWith({ records: batchBytes({ baseOffset: 12, leaderEpoch: 2, records: [{ value: Buffer.from('a') }] }) }),
      never,
    );
    expect(await fetcher.read(at(12))).toEqual({ type: 'truncated', end: 12, epoch: 2 });
  });

  it('reports a recreated topic', async () => {
    const { connections, fetcher } = await createFetcher();
    connections
      .answer(METADATA, topicOf(OTHER_LOG))
      .answer(FETCH, respondWith({ errorCode: 100 }))
      .answer(LIST_OFFSETS, () => 0);
    expect(await fetcher.read(at(15))).toEqual({ type: 'recreated', logId: OTHER_LOG, earliest: 0 });
  });

  it('reads two topics in one fetch, and gives each the records of its own partition 0', async () => {
    const { connections, fetcher, logs } = await createFetcher();
    const other = { ...at(8), topic: 'payments', logId: OTHER_LOG };
    connections.answer(METADATA, topicOf(OTHER_LOG));
    await logs.of('payments').refresh();
    fetcher.assign([partitionAt(0), { topic: 'payments', partition: 0 }], false);
    connections.answer(
      FETCH,
      respondWith(
        { topicId: OTHER_LOG, records: records(8, 'payment') },
        { topicId: LOG, records: records(5, 'order') },
      ),
    );
    const [order, payment] = [fetcher.read(at(5)), fetcher.read(other)];
    expect(getValues(await order)).toEqual(['order']);
    expect(getValues(await payment)).toEqual(['payment']);
  });

  it('ends the reads of revoked partitions without a result, and ignores later responses for them', async () => {
    const { connections, fetcher } = await createFetcher();
    const late = Promise.withResolvers<ReturnType<ReturnType<typeof respondWith>>>();
    connections.answer(FETCH, async () => late.promise);
    const [kept, revoked] = [fetcher.read(at(5)), fetcher.read(at(8, 1))];
    await settle();
    fetcher.assign([partitionAt(0)], true);
    expect(await revoked).toBeUndefined();
    late.resolve({ errorCode: 0, partitions: [fetched({ records: records(5, 'a') })] });
    expect(getValues(await kept)).toEqual(['a']);
    expect(await fetcher.read(at(8, 1))).toBeUndefined();
  });

  it('ends all reads without a result once it is closed', async () => {
    const { fetcher } = await createFetcher();
    const read = fetcher.read(at(5));
    fetcher.close();
    expect(await read).toBeUndefined();
    expect(await fetcher.read(at(5))).toBeUndefined();
  });

  it('backs off only the failing partition: the other partitions of its node continue', async () => {
    const { clock, connections, fetcher } = await createFetcher();
    const storageError = 56;
    connections.answer(FETCH, ({ partitions }) => ({
      errorCode: 0,
      partitions: partitions.map(({ partition, offset }) =>
        partition === 0
          ? fetched({ errorCode: storageError })
          : fetched({ partition, records: records(offset, `at ${offset}`) }),
      ),
    }));
    void fetcher.read(at(5));
    for (let offset = 0; offset < 10; offset += 1)
      expect(getValues(await fetcher.read(at(offset, 1)))).toEqual([`at ${offset}`]);
    expect(fetcher.failure?.since).toBe(clock.now());
    fetcher.close();
  });
});
