import { afterEach, describe, expect, it } from '@jest/globals';
import { expectNothingLost } from '../support/member/expect-nothing-lost.js';
import { lasts } from '../support/eventually.js';
import { sharedKafka } from '../support/shared-pipeline.js';
import { TestGroup, numberedRecords, writeAll } from '../support/member/test-group.js';

const PARTITIONS = 12;
/** Longer than the client's back-off between attempts of a commit (2 s plus 20 % jitter). */
const WATCHED_MS = 6_000;

describe('a commit abandoned during an outage', () => {
  const server = sharedKafka();
  let group: TestGroup;

  afterEach(async () => {
    await group.end();
  });

  it('never overwrites a later commit with lower offsets', async () => {
    const records = 600;
    group = await TestGroup.on(server(), 'set-back', { partitions: PARTITIONS });
    await writeAll(group.kafka, group.topic, numberedRecords(records, records, PARTITIONS));
    // All records are fetched before the outage and handled during it, and the member stays in the group, however slowly Kafka starts: no
    // later commit would hide an offset that went back.
    const member = group.launch({ inFlight: records }, { handlerMs: 10_000, sessionTimeoutMs: 600_000 });
    await member.joins();
    await group.handles(records / 10);
    await server().node(1).kill();
    await group.handles(records);
    await server().node(1).start();
    await member.joins();

    await group.commitsAll();
    const seen: Map<number, number | undefined>[] = [await group.committed()];
    const over = new AbortController();
    void lasts(WATCHED_MS).then(() => over.abort());
    while (!over.signal.aborted) seen.push(await group.committed());
    const setBack = seen.flatMap((now, index) =>
      [...now].flatMap(([partition, offset]) => {
        const before = seen[index - 1]?.get(partition) ?? 0;
        return (offset ?? 0) < before ? [`partition ${partition} from ${before} to ${offset}`] : [];
      }),
    );
    expect(setBack).toEqual([]);
    await expectNothingLost(group, records);
    expect(group.effects.repeats()).toEqual([]);
  });
});
