import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually, lasts } from '../support/eventually.js';
import { expectNothingLost } from '../support/member/expect-nothing-lost.js';
import { sharedKafka } from '../support/shared-pipeline.js';
import { TestGroup, numberedRecords, writeAll } from '../support/member/test-group.js';

const RECORDS = 20_000;
const PARTITIONS = 12;
const KEYS = 5_000;
const IN_FLIGHT = 100;
const HANDLER_MS = 100;
const COMMIT_INTERVAL_MS = 200;
const OUTAGE_MS = 10_000;

describe('a broker that is unavailable for 10 s', () => {
  const server = sharedKafka();
  let group: TestGroup;

  afterEach(async () => {
    await group.end();
  });

  it('makes the members not ready, and they continue by themselves once it is available again', async () => {
    group = await TestGroup.on(server(), 'outage', { partitions: PARTITIONS });
    const settings = { inFlight: IN_FLIGHT, commitIntervalMs: COMMIT_INTERVAL_MS };
    const members = [
      group.launch(settings, { handlerMs: HANDLER_MS }),
      group.launch(settings, { handlerMs: HANDLER_MS }),
    ];
    await Promise.all(members.map((member) => member.joins()));
    const records = numberedRecords(RECORDS, KEYS, PARTITIONS);
    await writeAll(group.kafka, group.topic, records.slice(0, RECORDS / 2));
    await group.handles(RECORDS / 4);

    const committed = await group.committedRecords();
    await server().node(1).kill();
    // The outage lasts its full time, however soon the members notice it.
    const over = lasts(OUTAGE_MS);
    const handledBefore = group.effects.handled;
    const noMemberIsReady = async (): Promise<boolean> => {
      const ready = await Promise.all(members.map((member) => member.isReady()));
      return ready.every((each) => !each);
    };
    await eventually('no member is ready', noMemberIsReady);
    await over;
    expect(await noMemberIsReady()).toBe(true);
    const handledMeanwhile = group.effects.handled - handledBefore;

    await server().node(1).start();
    await Promise.all(members.map((member) => member.joins()));
    // However much the members had fetched before the outage: these are read afterwards.
    await writeAll(group.kafka, group.topic, records.slice(RECORDS / 2));
    await group.handles(RECORDS);
    for (const member of members) expect(await member.stop()).toBe(0);

    await expectNothingLost(group, RECORDS);
    // Members that were disconnected for longer than their session timeout leave the group, and repeat what they could not commit.
    const repeats = group.effects.repeats();
    console.info(
      `outage: ${repeats.length} of ${RECORDS} repeated, ${handledMeanwhile} were handled during the outage`,
    );
    expect(repeats.filter(({ first }) => committed.has(first))).toEqual([]);
  });
});
