import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { storedBatches } from '../support/foreign-clients/kafka-tools.js';
import { loggedError, untilStopped, TestGroup, numberedRecords, writeAll } from '../support/member/test-group.js';
import { StandaloneKafka } from '../support/own-servers.js';

const KEYS = 20;
const PER_BATCH = 50;
/** One in-sync replica is enough, and a replica that is not in sync may become leader. */
const UNSAFE = { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' };
/**
 * Of all topics, also of the offsets: the third node leaves their in-sync replicas if a busy machine lets its session time out, and they
 * have no leader then until the killed node is back.
 */
const UNSAFE_CLUSTER = { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': 1 };

describe('an unclean leader election', () => {
  let server: StandaloneKafka;
  let group: TestGroup;

  beforeAll(async () => {
    server = await StandaloneKafka.start(3, UNSAFE_CLUSTER);
  });

  afterAll(async () => {
    await server.stop();
  });

  afterEach(async () => {
    await group.end();
  });

  async function replicas(): Promise<{ leader: number; isr: readonly number[]; replicas: readonly number[] }> {
    const { topics } = await group.asAdmin((admin) => admin.fetchTopicMetadata({ topics: [group.topic] }));
    const partition = topics[0]?.partitions[0];
    if (partition === undefined) throw new Error(`${group.topic} has no partition 0`);
    const { leader, isr, replicas: all } = partition;
    return { leader, isr, replicas: all };
  }

  async function write(batch: number): Promise<void> {
    await writeAll(group.kafka, group.topic, numberedRecords(PER_BATCH, KEYS, 1, batch * PER_BATCH));
  }

  it('that loses records already read stops the partition of a running consumer with an error, and it is not ready', async () => {
    group = await TestGroup.on(server, 'unclean', { partitions: 1, replicationFactor: 2, config: UNSAFE });
    await write(0);
    const member = group.launch({ inFlight: 50 }, { handlerMs: 2 });
    await group.handles(PER_BATCH);
    await group.commitsAll();

    const { leader, replicas: both } = await replicas();
    const follower = both.find((id) => id !== leader) ?? 0;
    await eventually('the follower has the first batch', async () => {
      return (await storedBatches(server.partitionDirectory(group.topic, 0, follower))).length === 1;
    });
    await server.node(follower).kill();
    await write(1);
    await group.handles(2 * PER_BATCH);
    await group.commitsAll();
    await server.node(leader).kill();
    // The third node and the follower form the controller quorum.
    await server.node(follower).start();
    await eventually('the follower is the leader', async () => (await replicas()).leader === follower);

    const lost = { from: PER_BATCH, to: 2 * PER_BATCH };
    expect(await untilStopped(member, 0)).toMatchObject({ reason: 'truncated-log', ...lost });
    expect((await member.status()).ready).toBe(false);
    expect(loggedError(member, group.topic, 0, PER_BATCH)).toBe(true);
    expect(await member.stop()).toBe(0);
    await server.node(leader).start();
  });
});
