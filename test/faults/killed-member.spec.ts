import { afterEach, describe, expect, it } from '@jest/globals';
import { expectNothingLost } from '../support/member/expect-nothing-lost.js';
import type { EngineSettings } from '../support/member/member-messages.js';
import { sharedKafka } from '../support/shared-kafka.js';
import { TestGroup } from '../support/member/test-group.js';
import { numberedRecords, writeAll } from '../support/numbered-records.js';

const RECORDS = 24_000;
const PARTITIONS = 12;
/** Enough that no two records of a key are in flight at once: a record that waits behind its key would delay the commit. */
const KEYS = 12_000;
const HANDLER_MS = 400;
const IN_FLIGHT = 500;
const COMMIT_INTERVAL_MS = 200;
/** Latency of a commit beyond its interval: kafkajs sends it on the connection of a fetch that waits up to 250 ms. */
const COMMIT_LATENCY_MS = 250;

/**
 * Maximum age, in ms, of a repeated effect at the time of the kill; the rate times this bounds the number of repeats. Without the map of
 * completed offsets, a commit ends before the oldest unfinished record of its partition, so that records completed during its whole handler
 * time are repeated too. With the map, only the records completed since the last commit are repeated.
 */
const REPEATED_MS = {
  'plain commits': COMMIT_INTERVAL_MS + COMMIT_LATENCY_MS + HANDLER_MS,
  'a map of completed offsets': COMMIT_INTERVAL_MS + COMMIT_LATENCY_MS,
} as const;

describe('a member killed while it handles records', () => {
  const server = sharedKafka();
  let group: TestGroup;

  afterEach(async () => {
    await group.end();
  });

  const cases: [keyof typeof REPEATED_MS, EngineSettings][] = [
    ['plain commits', { commitCompletedOffsets: false }],
    ['a map of completed offsets', { commitCompletedOffsets: true }],
  ];

  it.each(cases)(
    'loses nothing: the other member takes over, and with %s repeats only uncommitted records',
    async (commits, engine) => {
      group = await TestGroup.on(server(), 'killed', { partitions: PARTITIONS });
      await writeAll(group.kafka, group.topic, numberedRecords(RECORDS, KEYS, PARTITIONS));
      const settings = { inFlight: IN_FLIGHT, commitIntervalMs: COMMIT_INTERVAL_MS, ...engine };
      const survivor = group.launch(settings, { handlerMs: HANDLER_MS });
      const killed = group.launch(settings, { handlerMs: HANDLER_MS });
      await Promise.all([survivor.joins(), killed.joins()]);
      await group.handles(RECORDS / 3, 30_000);
      await killed.kill();
      const rate = group.effects.rateOf(killed.name, 1_000);
      const diedAt = group.effects.by(killed.name).at(-1)?.endedAt ?? 0;
      expect(group.effects.handled).toBeLessThan(RECORDS * 0.9);

      await group.handles(RECORDS, 60_000);
      await group.commitsAll(10_000);
      expect(await survivor.stop()).toBe(0);
      await expectNothingLost(group, RECORDS);

      const repeats = group.effects.repeats();
      const ages = repeats.map(({ first }) => (diedAt - first.endedAt) / 1_000);
      const bound = Math.ceil((rate * REPEATED_MS[commits]) / 1_000);
      console.info(
        `killed with ${commits}: ${repeats.length} of ${RECORDS} repeated (bound ${bound}), ` +
          `${Math.round(rate)} records/s, the oldest completed ${Math.round(Math.max(0, ...ages))} ms before the kill`,
      );
      expect(repeats.length).toBeLessThanOrEqual(bound);
      expect(new Set(repeats.map(({ first, again }) => `${first.member}, then ${again.member}`))).toEqual(
        new Set(repeats.length > 0 ? [`${killed.name}, then ${survivor.name}`] : []),
      );
      expect(ages.filter((age) => age > REPEATED_MS[commits])).toEqual([]);
    },
    120_000,
  );

  it('delays the member that replaces it, which logs that the group waits, and for how long at most', async () => {
    group = await TestGroup.on(server(), 'replaced', { partitions: PARTITIONS });
    const killed = group.launch({}, { sessionTimeoutMs: 10_000 });
    await killed.joins();
    await killed.kill();
    const replacement = group.launch({}, { sessionTimeoutMs: 10_000 });
    await replacement.joins();
    const waiting = replacement.log.findIndex(({ message }) => message.startsWith('still joining: the group waits'));
    expect(replacement.log[waiting]?.details).toMatchObject({ sessionTimeoutMs: 10_000 });
    expect(replacement.log.findIndex(({ message }) => message === 'partitions assigned')).toBeGreaterThan(waiting);
    expect(await replacement.stop()).toBe(0);
  }, 60_000);
});
