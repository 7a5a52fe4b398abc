import { describe, expect, it } from '@jest/globals';
import { settle } from '@orders-pipeline/clock/testing';
import { LIST_OFFSETS, OFFSET_COMMIT } from '../protocol/offset-requests.js';
import { GroupOffsets } from './group-offsets.js';
import { StartPositions } from './start-positions.js';
import { createMember } from './testing/scripted-member.js';
import { scriptedKafka } from './testing/scripted-topic.js';
import { TopicLogs } from './topic-logs.js';

const DELETED = { topic: 'payments', partition: 1, code: 'UNKNOWN_TOPIC_OR_PARTITION' };
const KEPT = { topic: 'orders', partition: 0 };

/** Commits under a membership to a coordinator that rejects these partitions. */
async function commit(...rejected: readonly (typeof DELETED)[]): Promise<void> {
  const { member, connections, clock } = createMember();
  connections.answer(OFFSET_COMMIT, () => rejected);
  member.join();
  await settle();
  const logs = new TopicLogs(connections);
  const start = new StartPositions(logs, ['orders', 'payments'], 'earliest');
  const offsets = new GroupOffsets(connections, logs, 'savers', member, start);
  const committed = offsets.commit([
    { topic: 'payments', partition: 1, offset: 5 },
    { ...KEPT, offset: 7 },
  ]);
  try {
    await committed;
  } finally {
    const left = member.leave();
    await clock.advance(5_000);
    await left;
  }
}

describe('a commit of the group', () => {
  it('names the partitions of which the coordinator rejects the offsets, and only these', async () => {
    await expect(commit()).resolves.toBeUndefined();
    await expect(commit(DELETED)).rejects.toMatchObject({
      code: 'partitions-refused',
      message: 'not committed: payments-1 (UNKNOWN_TOPIC_OR_PARTITION)',
      rejected: [DELETED],
    });
  });

  it.each(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'NOT_COORDINATOR'])(
    'fails as a whole with %s, also beside a deleted topic',
    async (code) => {
      await expect(commit(DELETED, { ...KEPT, code })).rejects.toMatchObject({ name: 'KafkaError', code });
    },
  );

  it('fails for the size of its metadata, also beside a deleted topic', async () => {
    const rejected = commit(DELETED, { ...KEPT, code: 'OFFSET_METADATA_TOO_LARGE' });
    await expect(rejected).rejects.toMatchObject({ code: 'metadata-refused' });
  });
});

it('the start by a timestamp skips no record that is written while it is looked for', async () => {
  const timestamp = 1_000;
  const written: number[] = [];
  const connections = scriptedKafka().answer(LIST_OFFSETS, ({ edge }) => {
    const answer = edge === 'end' ? written.length : written.findIndex((each) => each >= timestamp);
    // A record with a later timestamp is written after each answer.
    written.push(timestamp);
    return edge === 'end' || answer >= 0 ? answer : -1;
  });
  const positions = new StartPositions(new TopicLogs(connections), ['payments'], { timestamp });
  expect(await positions.of({ topic: 'payments', partition: 0 })).toBe(0);
});
