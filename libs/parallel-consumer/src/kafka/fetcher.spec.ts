import { describe, expect, it } from '@jest/globals';
import { FETCH, type FetchedPartition, type FetchRequest } from '../protocol/fetch-request.js';
import { METADATA } from '../protocol/metadata-request.js';
import { LIST_OFFSETS } from '../protocol/offset-requests.js';
import { ManualClock, settle } from '../testing/manual-clock.js';
import { batchBytes, markerBytes } from '../testing/record-batches.js';
import { ScriptedConnections } from '../testing/scripted-connections.js';
import type { ReadAnswer } from './broker.js';
import { Fetcher } from './fetcher.js';
import { TopicLog } from './topic-log.js';

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

/** What a node answers for a partition. */
const found = (fields: Partial<FetchedPartition>): FetchedPartition => ({
  topicId: LOG,
  partition: 0,
  errorCode: 0,
  highWatermark: 100,
  abortedTransactions: [],
  diverging: undefined,
  records: Buffer.alloc(0),
  ...fields,
});
const answering =
  (...partitions: Partial<FetchedPartition>[]) =>
  (_request: FetchRequest) => ({ errorCode: 0, partitions: partitions.map(found) });

const never = async (): Promise<never> => new Promise(() => undefined);

async function fetching(leaders?: readonly number[]) {
  const clock = new ManualClock();
  const connections = new ScriptedConnections().answer(METADATA, topicOf(LOG, leaders)).answer(FETCH, never);
  const log = new TopicLog(connections, 'orders');
  await log.refresh();
  const fetcher = new Fetcher(connections, log, { maxBytes: 1_000, maxBytesPerPartition: 100, logger: quiet, clock });
  fetcher.assign([0, 1], false);
  return { clock, connections, fetcher };
}

const valuesOf = (answer: ReadAnswer | undefined): string[] => {
  if (answer?.type !== 'records') throw new Error(`not records: ${String(answer?.type)}`);
  const values: string[] = [];
  for (let next = answer.records.next(); !next.done; next = answer.records.next())
    values.push(String(next.value.value));
  return values;
};

describe('a fetcher', () => {
  it('reads all open partitions of a node in one fetch, by the id of the log and the epoch of the last record', async () => {
    const { connections, fetcher } = await fetching();
    connections.answer(
      FETCH,
      answering({ partition: 0, records: records(5, 'a', 'b') }, { partition: 1, records: records(8, 'c') }),
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
      epochs: [{ epoch: 4, offset: 5 }],
    });
    expect([valuesOf(first), valuesOf(second)]).toEqual([['a', 'b'], ['c']]);
  });

  it('passes batches that hold nothing but markers', async () => {
    const { connections, fetcher } = await fetching();
    connections.answer(FETCH, answering({ records: markerBytes(5, 1, 'abort') }), never);
    const answer = await fetcher.read(at(0));
    expect(answer).toMatchObject({ fetchOffset: 0, lastOffset: 5 });
    expect(valuesOf(answer)).toEqual([]);
  });

  it('asks again while there is nothing, one fetch at a time', async () => {
    const { connections, fetcher } = await fetching();
    connections.answer(FETCH, answering({}), answering({}), answering({ records: records(5, 'a') }), never);
    expect(valuesOf(await fetcher.read(at(5)))).toEqual(['a']);
    expect(connections.made(FETCH)).toHaveLength(3);
  });

  it('goes on with the new leader of a partition, and with the other partitions meanwhile', async () => {
    const { clock, connections, fetcher } = await fetching([1, 2]);
    connections.answer(METADATA, topicOf(LOG, [2, 2])).answer(FETCH, (_request, node) =>
      node === 1
        ? { errorCode: 0, partitions: [found({ errorCode: 6 })] }
        : {
            errorCode: 0,
            partitions: [found({ records: records(5, 'a') }), found({ partition: 1, records: records(8, 'b') })],
          },
    );
    const moved = fetcher.read(at(5));
    expect(valuesOf(await fetcher.read(at(8, 1)))).toEqual(['b']);
    await clock.advance(1_000);
    expect(valuesOf(await moved)).toEqual(['a']);
  });

  it('retries a node that does not answer, and reports since when nothing was fetched', async () => {
    const { clock, connections, fetcher } = await fetching();
    connections.answer(
      FETCH,
      () => new Error('closed'),
      () => new Error('closed'),
      answering({ records: records(5, 'a') }),
      never,
    );
    const read = fetcher.read(at(5));
    await settle();
    expect(fetcher.failingSince).toBe(clock.now());
    await clock.advance(2_000);
    expect(valuesOf(await read)).toEqual(['a']);
    expect(fetcher.failingSince).toBeUndefined();
  });

  it.each([
    ['was deleted', 7, { type: 'deleted', earliest: 10 }],
    ['lies beyond the end of the log', 30, { type: 'truncated', end: 20, epoch: undefined }],
  ])('reports a position that %s', async (_what, offset, expected) => {
    const { connections, fetcher } = await fetching();
    connections
      .answer(FETCH, answering({ errorCode: 1 }))
      .answer(LIST_OFFSETS, ({ edge }) => (edge === 'earliest' ? 10 : 20));
    expect(await fetcher.read(at(offset))).toEqual(expected);
  });

  it('asks without the epoch where only its first records were deleted', async () => {
    const { clock, connections, fetcher } = await fetching();
    connections
      .answer(FETCH, answering({ errorCode: 1 }), answering({ records: records(15, 'a') }), never)
      .answer(LIST_OFFSETS, ({ edge }) => (edge === 'earliest' ? 10 : 20));
    const read = fetcher.read(at(15));
    await clock.advance(1_000);
    expect(valuesOf(await read)).toEqual(['a']);
    expect(connections.made(FETCH).map(({ partitions }) => partitions[0]?.lastFetchedEpoch)).toEqual([3, -1]);
  });

  it('reports a leader that lost records which were read', async () => {
    const { connections, fetcher } = await fetching();
    connections.answer(FETCH, answering({ diverging: { epoch: 2, endOffset: 12 } }));
    expect(await fetcher.read(at(15))).toEqual({ type: 'truncated', end: 12, epoch: 2 });
  });

  it('reports a topic that was created again', async () => {
    const { connections, fetcher } = await fetching();
    connections
      .answer(METADATA, topicOf(OTHER_LOG))
      .answer(FETCH, answering({ errorCode: 100 }))
      .answer(LIST_OFFSETS, () => 0);
    expect(await fetcher.read(at(15))).toEqual({ type: 'recreated', logId: OTHER_LOG, earliest: 0 });
  });

  it('answers reads of partitions that were taken away with nothing, whatever comes for them later', async () => {
    const { connections, fetcher } = await fetching();
    const late = Promise.withResolvers<ReturnType<ReturnType<typeof answering>>>();
    connections.answer(FETCH, async () => late.promise);
    const [kept, taken] = [fetcher.read(at(5)), fetcher.read(at(8, 1))];
    await settle();
    fetcher.assign([0], true);
    expect(await taken).toBeUndefined();
    late.resolve({ errorCode: 0, partitions: [found({ records: records(5, 'a') })] });
    expect(valuesOf(await kept)).toEqual(['a']);
    expect(await fetcher.read(at(8, 1))).toBeUndefined();
  });

  it('answers all with nothing once it is closed', async () => {
    const { fetcher } = await fetching();
    const read = fetcher.read(at(5));
    fetcher.close();
    expect(await read).toBeUndefined();
    expect(await fetcher.read(at(5))).toBeUndefined();
  });

  it('lets a partition that fails rest by itself: the others of its node go on', async () => {
    const { clock, connections, fetcher } = await fetching();
    const storageError = 56;
    connections.answer(FETCH, ({ partitions }) => ({
      errorCode: 0,
      partitions: partitions.map(({ partition, offset }) =>
        partition === 0
          ? found({ errorCode: storageError })
          : found({ partition, records: records(offset, `at ${offset}`) }),
      ),
    }));
    void fetcher.read(at(5));
    for (let offset = 0; offset < 10; offset += 1)
      expect(valuesOf(await fetcher.read(at(offset, 1)))).toEqual([`at ${offset}`]);
    expect(fetcher.failingSince).toBe(clock.now());
    fetcher.close();
  });
});
