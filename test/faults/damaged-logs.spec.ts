import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { corruptBatch, setUnknownCodec } from '../support/foreign-clients/damage-log.js';
import { storedBatches, type StoredBatch } from '../support/foreign-clients/log-segment.js';
import { loggedError, untilStopped, type Stopped } from '../support/foreign-clients/stopped-partitions.js';
import { TestGroup } from '../support/member/test-group.js';
import { numberedRecords, writeAll } from '../support/numbered-records.js';
import { sharedKafka } from '../support/shared-kafka.js';

const PARTITIONS = 2;
const KEYS = 20;
/** Records per partition and batch; each write makes one batch per partition. */
const PER_BATCH = 50;
const WITHIN_MS = 60_000;
const STOP_BUDGET_MS = 30_000;

describe('a batch damaged on the disk of its broker', () => {
  const server = sharedKafka();
  let group: TestGroup;

  afterEach(async () => {
    await group.end();
  });

  async function write(batch: number): Promise<void> {
    const count = PARTITIONS * PER_BATCH;
    await writeAll(group.kafka, group.topic, numberedRecords(count, KEYS, PARTITIONS, batch * count));
  }

  /** Damages the second of three batches of partition 0. */
  async function damage(how: (batch: StoredBatch) => Promise<void>): Promise<void> {
    for (const batch of [0, 1, 2]) await write(batch);
    await server().node(1).stop(STOP_BUDGET_MS);
    const batches = await storedBatches(server().partitionDirectory(group.topic, 0));
    expect(batches.map(({ baseOffset }) => baseOffset)).toEqual([0, PER_BATCH, 2 * PER_BATCH]);
    for (const batch of batches.slice(1, 2)) await how(batch);
    await server().node(1).start();
    // The broker serves the damaged batch: it has not truncated the log there.
    expect(await storedBatches(server().partitionDirectory(group.topic, 0))).toHaveLength(3);
  }

  it.each<[string, Stopped['reason'], (batch: StoredBatch) => Promise<void>]>([
    ['with a wrong CRC', 'corrupt-records', corruptBatch],
    ['with the unknown codec 5', 'unsupported-codec', (batch) => setUnknownCodec(batch, 5)],
    ['with the unknown codec 7', 'unsupported-codec', (batch) => setUnknownCodec(batch, 7)],
  ])(
    '%s stops its partition there with an error, the member is not ready, and the other partition continues',
    async (_, reason, how) => {
      group = await TestGroup.on(server(), reason, { partitions: PARTITIONS });
      await damage(how);
      const member = group.launch({ inFlight: 50 }, { handlerMs: 2 });
      await group.handles((1 + 3) * PER_BATCH, WITHIN_MS);
      expect(offsetsHandled(group, 0).filter((offset) => offset >= PER_BATCH)).toEqual([]);
      expect(await untilStopped(member, 0, WITHIN_MS)).toMatchObject({ reason, from: PER_BATCH });
      const { ready, notReadyBecause } = await member.status();
      expect(ready).toBe(false);
      expect(notReadyBecause).toMatch(/\b0\b/);
      expect(loggedError(member, group.topic, 0, PER_BATCH)).toBe(true);

      await write(3);
      await group.handles((1 + 4) * PER_BATCH, WITHIN_MS);
      await eventually('partition 1 is committed', WITHIN_MS, async () => {
        return (await group.committed()).get(1) === 4 * PER_BATCH;
      });
      expect((await group.committed()).get(0)).toBe(PER_BATCH);
      expect(offsetsHandled(group, 0).filter((offset) => offset >= PER_BATCH)).toEqual([]);
      expect(group.effects.repeats()).toEqual([]);
      expect(await member.stop()).toBe(0);
    },
  );
});

function offsetsHandled(group: TestGroup, partition: number): number[] {
  return group.effects.inPartition(partition).map(({ offset }) => offset);
}
