import { describe, expect, it } from '@jest/globals';
import { MetadataRejectedError, PartitionsRejectedError, type Broker } from '../broker/broker.js';
import { resolveOptions } from '../options.js';
import type { Position } from '../records/record.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { Assignment, Task } from '../partition/assignment-and-tasks.js';
import { Committer } from './committer.js';
import { encodeCompletedOffsets } from './completed-offsets.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

const at = { topic: 'orders', partition: 0 };
const LOG = '0123456789abcdef'.repeat(2);

/** Creates a committer of one partition with record 10 unfinished and 11 complete. `respond` handles the broker's commits. */
function createCommitter(respond: (positions: readonly Position[]) => Promise<void>) {
  const clock = new ManualClock();
  const sent: Position[] = [];
  const kafka = new FakeKafka();
  kafka.createTopic('orders', 1);
  const broker: Broker = Object.assign(new FakeBroker(kafka, { topic: 'orders', groupId: 'savers' }), {
    commit: async (positions: readonly Position[]) => {
      sent.push(...positions);
      await respond(positions);
    },
  });
  const assignment = new Assignment('orders', 0, 1);
  assignment.begin({ offset: 10, committed: 10, logId: LOG, leaderEpoch: 3, finished: [] });
  const tasks = new Map<number, Task>();
  const receive = (offset: number): void => {
    const record = { ...at, offset, key: null, value: null, valueText: null, headers: {}, timestamp: 0, byteLength: 0 };
    const task = new Task(record, assignment, 'nothing', 0, 0, 0);
    tasks.set(offset, task);
    assignment.tracker.received(task);
  };
  const complete = (offset: number): void => assignment.tracker.complete(tasks.get(offset) as Task);
  receive(10);
  receive(11);
  complete(11);
  const options = { handler: async () => undefined, logger: quiet, deadLetterTopic: 'dead', clock };
  const committer = new Committer(resolveOptions(options, ['orders']), broker, () => [assignment]);
  return { clock, sent, assignment, receive, complete, committer };
}

const completedOffsets = encodeCompletedOffsets(LOG, 10, [{ from: 11, to: 12 }], [{ epoch: 3, offset: 10 }]);

describe('Committer', () => {
  it('commits the offset with the completed offsets beyond it, and then nothing until they change', async () => {
    const { sent, complete, committer } = createCommitter(async () => undefined);
    await committer.commit();
    await committer.commit();
    expect(sent).toEqual([{ ...at, offset: 10, leaderEpoch: 3, metadata: completedOffsets }]);
    complete(10);
    await committer.commit();
    const metadata = encodeCompletedOffsets(LOG, 12, [], [{ epoch: 3, offset: 12 }]);
    expect(sent[1]).toEqual({ ...at, offset: 12, leaderEpoch: 3, metadata });
  });

  it('switches to plain commits when the broker rejects the completed offsets', async () => {
    const { sent, complete, committer } = createCommitter(async (positions) => {
      if (positions.some(({ metadata }) => metadata !== undefined)) throw new MetadataRejectedError('too large');
    });
    await committer.commit();
    complete(10);
    await committer.commit();
    expect(sent.map(({ metadata }) => metadata !== undefined)).toEqual([true, false]);
    expect(sent.at(-1)).toEqual({ ...at, offset: 12, leaderEpoch: 3 });
  });

  it('repeats a rejected commit without the completed offsets when the offset itself is new', async () => {
    const { sent, receive, complete, committer } = createCommitter(async (positions) => {
      if (positions.some(({ metadata }) => metadata !== undefined)) throw new MetadataRejectedError('too large');
    });
    receive(12);
    complete(10);
    receive(13);
    complete(13);
    await committer.commit();
    expect(sent.map(({ offset, metadata }) => [offset, metadata !== undefined])).toEqual([
      [12, true],
      [12, false],
    ]);
  });

  it('times out a commit without a response, and repeats it', async () => {
    const { clock, sent, committer } = createCommitter(() => new Promise(() => undefined));
    const first = committer.commit();
    await clock.advance(3_000);
    await first;
    void committer.commit();
    expect(sent).toHaveLength(2);
  });

  it('commits what the coordinator rejected again when it changes, and in a full round', async () => {
    let rejects = true;
    const { sent, complete, receive, committer } = createCommitter(async () => {
      if (rejects) throw new PartitionsRejectedError([{ ...at, code: 'TOPIC_AUTHORIZATION_FAILED' }]);
    });
    for (let round = 1; round < 50; round += 1) await committer.commit();
    expect(sent).toHaveLength(1);
    expect(committer.hasUncommitted).toBe(false);
    await committer.commit();
    expect(sent).toHaveLength(2);
    receive(12);
    complete(10);
    expect(committer.hasUncommitted).toBe(true);
    rejects = false;
    await committer.commit();
    expect(sent.map(({ offset }) => offset)).toEqual([10, 10, 12]);
    complete(12);
    await committer.commit();
    expect(sent.at(-1)?.offset).toBe(13);
  });

  it('commits nothing for a revoked partition', async () => {
    const { sent, assignment, committer } = createCommitter(async () => undefined);
    assignment.revoke();
    await committer.commit();
    expect(sent).toEqual([]);
  });

  it('commits at the interval until it is paused, and again once it is resumed', async () => {
    const { clock, sent, complete, committer } = createCommitter(async () => undefined);
    committer.resume();
    await clock.advance(200);
    expect(sent).toHaveLength(1);
    committer.pause();
    complete(10);
    await clock.advance(1_000);
    expect(sent).toHaveLength(1);
    committer.resume();
    await clock.advance(200);
    expect(sent).toHaveLength(2);
  });
});
