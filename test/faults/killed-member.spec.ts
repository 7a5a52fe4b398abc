import { afterEach, describe, expect, it } from '@jest/globals';
import { expectNothingLost } from '../support/member/expect-nothing-lost.js';
import type { EngineSettings } from '../support/member/member-messages.js';
import { sharedKafka } from '../support/shared-kafka.js';
import { TestGroup } from '../support/member/test-group.js';
import { numberedRecords, writeAll } from '../support/numbered-records.js';

const RECORDS = 24_000;
const PARTITIONS = 12;
/** So many that no two records of a key are in flight at once: one that waits behind its key would hold the commit longer. */
const KEYS = 12_000;
const HANDLER_MS = 400;
const IN_FLIGHT = 500;
const COMMIT_INTERVAL_MS = 200;
/** What a commit may take beyond its interval: kafkajs sends it on the connection of a fetch that waits up to 250 ms. */
const COMMIT_LATENCY_MS = 250;

/**
 * How old, in ms, an effect may be at the kill and still be repeated; the rate times this bounds their number. Without the
 * map a commit stops before the oldest unfinished record of its partition, so whatever finished while that one ran is
 * repeated too: its whole handler time. With the map only what finished since the last commit is.
 */
const REPEATED_MS = {
  'plain commits': COMMIT_INTERVAL_MS + COMMIT_LATENCY_MS + HANDLER_MS,
  'a map of finished records': COMMIT_INTERVAL_MS + COMMIT_LATENCY_MS,
} as const;

describe('a member killed in the middle of its work', () => {
  const server = sharedKafka();
  let group: TestGroup;

  afterEach(async () => {
    await group.end();
  });

  const cases: [keyof typeof REPEATED_MS, EngineSettings][] = [
    ['plain commits', { commitCompletedOffsets: false }],
    ['a map of finished records', { commitCompletedOffsets: true }],
  ];

  it.each(cases)(
    'loses nothing: the other takes over, and with %s repeats only what was not committed',
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
          `${Math.round(rate)} records/s, the oldest ${Math.round(Math.max(0, ...ages))} ms before the kill`,
      );
      expect(repeats.length).toBeLessThanOrEqual(bound);
      expect(new Set(repeats.map(({ first, again }) => `${first.member}, then ${again.member}`))).toEqual(
        new Set(repeats.length > 0 ? [`${killed.name}, then ${survivor.name}`] : []),
      );
      expect(ages.filter((age) => age > REPEATED_MS[commits])).toEqual([]);
    },
    120_000,
  );
});
