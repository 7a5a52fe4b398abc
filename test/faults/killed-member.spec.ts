import { afterEach, describe, expect, it } from '@jest/globals';
import { workerKafka } from '../support/own-servers.js';
import { expectNothingLost } from '../support/member/expect-nothing-lost.js';
import { TestGroup, numberedRecords, writeAll } from '../support/member/test-group.js';

const RECORDS = 12_000;
const PARTITIONS = 12;
/** Enough that no two records of a key are in flight at once: a record that waits behind its key would delay the commit. */
const KEYS = 6_000;
const ENGINE = { inFlight: 250, commitIntervalMs: 200 };
const HANDLER_MS = 400;
/** Long enough for the start of a process meanwhile: a replacement logs only a wait of more than 3 s. */
const SESSION_TIMEOUT_MS = 30_000;

describe('a member killed while it handles records', () => {
  let group: TestGroup;

  afterEach(async () => {
    await group.end();
  });

  it.each([
    ['plain commits', false],
    ['a map of completed offsets', true],
  ])('loses nothing: the other member takes over, and with %s repeats only uncommitted records', async (_, withMap) => {
    group = await TestGroup.on(workerKafka(), 'killed', { partitions: PARTITIONS });
    const settings = { ...ENGINE, commitCompletedOffsets: withMap };
    const survivor = group.launch(settings, { handlerMs: HANDLER_MS });
    const killed = group.launch(settings, { handlerMs: HANDLER_MS });
    await Promise.all([survivor.joins(), killed.joins()]);
    await writeAll(group.kafka, group.topic, numberedRecords(RECORDS, KEYS, PARTITIONS));
    await group.handles(RECORDS / 3);
    await killed.kill();
    // The group assigns the partitions of the killed member only after its session timeout: until then they have no other commit.
    const committed = await group.committedRecords();
    const handledByKilled = group.effects.by(killed.name);
    expect(group.effects.handled).toBeLessThan(RECORDS);

    await group.handles(RECORDS);
    await group.commitsAll();
    expect(await survivor.stop()).toBe(0);
    await expectNothingLost(group, RECORDS);

    const repeats = group.effects.repeats();
    expect(committed.hasMap).toBe(withMap);
    expect(repeats.filter(({ first }) => committed.has(first))).toEqual([]);
    expect(handledByKilled.filter((effect) => committed.has(effect)).length).toBeGreaterThan(
      handledByKilled.length / 4,
    );
    expect(new Set(repeats.map(({ first, again }) => `${first.member}, then ${again.member}`))).toEqual(
      new Set(repeats.length > 0 ? [`${killed.name}, then ${survivor.name}`] : []),
    );
    console.info(`killed, with a map: ${withMap}: ${repeats.length} of ${handledByKilled.length} repeated`);
  });

  it('delays the member that replaces it, which logs that the group waits, and for how long at most', async () => {
    group = await TestGroup.on(workerKafka(), 'replaced', { partitions: PARTITIONS });
    const killed = group.launch({}, { sessionTimeoutMs: SESSION_TIMEOUT_MS });
    await killed.joins();
    await killed.kill();
    const replacement = group.launch({}, { sessionTimeoutMs: SESSION_TIMEOUT_MS });
    await replacement.joins();
    const waiting = replacement.log.findIndex(({ details }) => 'sessionTimeoutMs' in details);
    expect(replacement.log[waiting]?.details).toMatchObject({ sessionTimeoutMs: SESSION_TIMEOUT_MS });
    expect(replacement.log.findIndex(({ details }) => 'kept' in details)).toBeGreaterThan(waiting);
    expect(await replacement.stop()).toBe(0);
  });
});
