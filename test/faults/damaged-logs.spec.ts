import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import {
  corruptBatch,
  setUnknownCodec,
  storedBatches,
  type StoredBatch,
} from '../support/foreign-clients/kafka-tools.js';
import {
  loggedError,
  untilStopped,
  type Stopped,
  TestGroup,
  numberedRecords,
  writeAll,
} from '../support/member/test-group.js';
import { sharedKafka } from '../support/shared-pipeline.js';

const PARTITIONS = 2;
const KEYS = 20;
/** Records per partition and batch; each write makes one batch per partition. */
const PER_BATCH = 50;
const STOP_BUDGET_MS = 30_000;

const CASES: readonly (readonly [string, Stopped['reason'], (batch: StoredBatch) => Promise<void>])[] = [
  ['with a wrong CRC', 'corrupt-records', corruptBatch],
  ['with the unknown codec 5', 'unsupported-codec', (batch) => setUnknownCodec(batch, 5)],
  ['with the unknown codec 7', 'unsupported-codec', (batch) => setUnknownCodec(batch, 7)],
];

describe('a batch damaged on the disk of its broker', () => {
  const server = sharedKafka();
  const groups = new Map<string, TestGroup>();

  /** Damages the second of three batches of partition 0, for each case on a topic of its own. */
  beforeAll(async () => {
    for (const [name, reason] of CASES) {
      const group = await TestGroup.on(server(), reason, { partitions: PARTITIONS });
      groups.set(name, group);
      for (const batch of [0, 1, 2]) await write(group, batch);
    }
    await server().node(1).stop(STOP_BUDGET_MS);
    for (const [name, , damage] of CASES)
      for (const batch of (await batchesOf(groups.get(name))).slice(1, 2)) await damage(batch);
    await server().node(1).start();
  });

  afterAll(async () => {
    for (const group of groups.values()) await group.end();
  });

  /** Returns the batches of partition 0. */
  async function batchesOf(group: TestGroup | undefined): Promise<StoredBatch[]> {
    return storedBatches(server().partitionDirectory(group?.topic ?? '', 0));
  }

  it.each(CASES)(
    '%s stops its partition there with an error, the member is not ready, and the other partition continues',
    async (name, reason) => {
      const group = groups.get(name);
      if (group === undefined) throw new Error(`no group for ${name}`);
      // The broker serves the damaged batch: it has not truncated the log there.
      const stored = (await batchesOf(group)).map(({ baseOffset }) => baseOffset);
      expect(stored).toEqual([0, PER_BATCH, 2 * PER_BATCH]);
      const member = group.launch({ inFlight: 50 }, { handlerMs: 2 });
      await group.handles((1 + 3) * PER_BATCH);
      expect(offsetsHandled(group, 0).filter((offset) => offset >= PER_BATCH)).toEqual([]);
      expect(await untilStopped(member, 0)).toMatchObject({ reason, from: PER_BATCH });
      const { ready, notReadyBecause } = await member.status();
      expect(ready).toBe(false);
      expect(notReadyBecause).toMatch(/\b0\b/);
      expect(loggedError(member, group.topic, 0, PER_BATCH)).toBe(true);

      await write(group, 3);
      await group.handles((1 + 4) * PER_BATCH);
      await eventually('partition 1 is committed', async () => {
        return (await group.committed()).get(1) === 4 * PER_BATCH;
      });
      expect((await group.committed()).get(0)).toBe(PER_BATCH);
      expect(offsetsHandled(group, 0).filter((offset) => offset >= PER_BATCH)).toEqual([]);
      expect(group.effects.repeats()).toEqual([]);
      expect(await member.stop()).toBe(0);
    },
  );
});

async function write(group: TestGroup, batch: number): Promise<void> {
  const count = PARTITIONS * PER_BATCH;
  await writeAll(group.kafka, group.topic, numberedRecords(count, KEYS, PARTITIONS, batch * count));
}

function offsetsHandled(group: TestGroup, partition: number): number[] {
  return group.effects.inPartition(partition).map(({ offset }) => offset);
}
