import { beforeEach, describe, expect, it } from '@jest/globals';
import { PRODUCE } from '../protocol/produce-request.js';
import { ProducerSession } from './producer-session.js';
import type { ScriptedConnections } from './testing/scripted-connections.js';
import { DUPLICATE, NOT_LEADER, OK, produced, records, scriptedKafka } from './testing/scripted-topic.js';
import { sentBatch } from './testing/sent-batch.js';

describe('a producer session', () => {
  let kafka: ScriptedConnections;
  let session: ProducerSession;

  beforeEach(async () => {
    kafka = scriptedKafka();
    session = new ProducerSession(kafka, () => 0);
    await session.open();
  });

  /** The first sequence number of each batch for partition 0. */
  const sequences = (): number[] =>
    kafka
      .made(PRODUCE)
      .flatMap(({ batches }) => batches.filter(({ partition }) => partition === 0))
      .map(({ records: bytes }) => sentBatch(bytes).firstSequence);

  it('numbers the records of each partition, and gives a repeat of them the same numbers', async () => {
    kafka.answer(
      PRODUCE,
      (request) => produced(request),
      () => new Error('connection closed'),
      (request) => produced(request),
    );
    await session.send('payments', records(0, 0));
    expect(await session.send('payments', records(0, 0, 0))).toMatchObject({
      acknowledged: [],
      failures: [new Error('connection closed')],
    });
    await session.send('payments', records(0, 0, 0));
    await session.send('payments', records(0));
    expect(sequences()).toEqual([0, 2, 2, 5]);
  });

  it('takes a batch that the broker has already as acknowledged, and goes on behind it', async () => {
    kafka.answer(
      PRODUCE,
      (request) => produced(request, () => DUPLICATE),
      (request) => produced(request),
    );
    const acknowledged = [{ partition: 0, records: 2, baseOffset: -1 }];
    expect(await session.send('payments', records(0, 0))).toEqual({ acknowledged, failures: [] });
    await session.send('payments', records(0));
    expect(sequences()).toEqual([0, 2]);
  });

  it('returns what some leaders have acknowledged beside what others have not', async () => {
    kafka.answer(PRODUCE, (request, node) => (node === 1 ? new Error('no response') : produced(request)));
    expect(await session.send('payments', records(0, 1))).toEqual({
      acknowledged: [{ partition: 0, records: 1, baseOffset: 7 }],
      failures: [new Error('no response')],
    });
  });

  it('does not take a partition without an answer as acknowledged', async () => {
    kafka.answer(PRODUCE, (request) => produced(request).slice(1));
    const { acknowledged, failures } = await session.send('payments', records(0, 2));
    expect(acknowledged).toEqual([{ partition: 2, records: 1, baseOffset: 7 }]);
    expect(failures).toMatchObject([{ code: 'UNKNOWN_SERVER_ERROR' }]);
  });

  it('names the partition that a node refused', async () => {
    kafka.answer(PRODUCE, (request) => produced(request, (partition) => (partition === 2 ? NOT_LEADER : OK)));
    const { failures } = await session.send('payments', records(0, 2));
    expect(failures).toMatchObject([
      { code: 'NOT_LEADER_OR_FOLLOWER', message: 'Produce to payments partition 2 failed: NOT_LEADER_OR_FOLLOWER' },
    ]);
  });
});
