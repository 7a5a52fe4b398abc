import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ContinuousWriter } from '../support/continuous-writer.js';
import { eventually } from '../support/eventually.js';
import { KafkaAlone } from '../support/kafka-alone.js';
import { TestGroup } from '../support/member/test-group.js';
import { readToEnd, type ReadRecord } from '../support/topic-writer.js';

const PARTITIONS = 12;
const KEYS = 1_200;
const BROKERS = [1, 2, 3];
/** Records that must be acknowledged, and handled, while a broker is away, before it may come back. */
const PROGRESS = 3_000;
const PROGRESS_WITHIN_MS = 45_000;
const IN_SYNC_WITHIN_MS = 60_000;

describe('three brokers, killed one after another while records are written and handled', () => {
  let server: KafkaAlone;
  let group: TestGroup;

  beforeAll(async () => {
    server = await KafkaAlone.start(3);
    group = await TestGroup.on(server, 'rolling', { partitions: PARTITIONS });
  }, 180_000);

  afterAll(async () => {
    await group.end();
    await server.stop();
  }, 90_000);

  /** Every partition of the topic, and of the group's offsets, has all of its replicas in sync. */
  async function allInSync(): Promise<boolean> {
    const topics = [group.topic, '__consumer_offsets'];
    const metadata = await group.asAdmin((admin) => admin.fetchTopicMetadata({ topics }));
    return metadata.topics.every(({ partitions }) => partitions.every(({ isr }) => isr.length === BROKERS.length));
  }

  it('every acknowledged record is on the topic and handled, in order per key', async () => {
    const members = [
      group.launch({ inFlight: 200 }, { handlerMs: 50 }),
      group.launch({ inFlight: 200 }, { handlerMs: 50 }),
    ];
    await Promise.all(members.map((member) => member.joins(60_000)));
    const writer = new ContinuousWriter(group.kafka, group.topic, KEYS, PARTITIONS);
    await group.handles(PROGRESS, 30_000);

    for (const id of BROKERS) {
      await eventually(`all is in sync before broker ${id} is killed`, IN_SYNC_WITHIN_MS, allInSync);
      const [acknowledged, handled] = [writer.acknowledged, group.effects.handled];
      const killedAt = performance.now();
      await server.node(id).kill();
      await eventually(`writing goes on without broker ${id}`, PROGRESS_WITHIN_MS, () => {
        return writer.acknowledged >= acknowledged + PROGRESS;
      });
      await group.handles(handled + PROGRESS, PROGRESS_WITHIN_MS);
      const wentOnAfter = Math.round(performance.now() - killedAt);
      await server.node(id).start();
      console.info(`broker ${id} killed: ${PROGRESS} records more were written and handled ${wentOnAfter} ms later`);
    }
    await eventually('all is in sync at the end', IN_SYNC_WITHIN_MS, allInSync);
    await writer.stop();

    await group.commitsAll(60_000);
    const onTopic = await readToEnd(group.kafka, group.topic, await group.ends(), 60_000);
    const written = new Set(onTopic.map(({ value }) => String(value)));
    const numbers = Array.from({ length: writer.acknowledged }, (_, n) => String(n));
    expect(numbers.filter((n) => !written.has(n))).toEqual([]);
    const handled = group.effects.values();
    expect(numbers.filter((n) => !handled.has(n))).toEqual([]);
    expect(onTopic.filter(({ partition, offset }) => !group.effects.has(partition, offset))).toEqual([]);
    expect(firstsOutOfOrder(onTopic)).toEqual([]);
    expect(group.effects.orderBreaks()).toEqual([]);
    for (const member of members) expect(await member.stop()).toBe(0);

    const twice = onTopic.length - written.size;
    const repeats = group.effects.repeats().length;
    console.info(
      `rolling kill: ${writer.acknowledged} acknowledged, ${twice} of them on the topic twice, ` +
        `${repeats} of ${onTopic.length} handled again`,
    );
  }, 300_000);
});

/** Numbers whose first record on the topic stands before that of a lower number of the same key. */
function firstsOutOfOrder(records: readonly ReadRecord[]): string[] {
  const seen = new Set<number>();
  const highest = new Map<string, number>();
  return records.flatMap(({ key, value }) => {
    const number = Number(value);
    if (seen.has(number)) return [];
    seen.add(number);
    const before = highest.get(String(key)) ?? -1;
    highest.set(String(key), Math.max(before, number));
    return number < before ? [`${number} of ${String(key)} after ${before}`] : [];
  });
}
