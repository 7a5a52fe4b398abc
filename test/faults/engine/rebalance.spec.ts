import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import { expectNothingLost } from '../../support/member/expect-nothing-lost.js';
import { workerKafka } from '../../support/own-servers.js';
import { TestGroup, numberedRecords, writeAll } from '../../support/member/test-group.js';

/** Work for two members for about 3 s. */
const PORTION = 12_000;
const PARTITIONS = 12;
const KEYS = 6_000;
/** The handler time is well below the drain timeout, so that every handler ends within a drain. */
const SETTINGS = { inFlight: 100, drainTimeoutMs: 4_000 };
const DRAINED = /finished \d+ \(0 dead-lettered\), \d+ left for redelivery, 0 unaccounted for$/;

describe('a member that joins and leaves while the others work', () => {
  let group: TestGroup;
  let written: number;

  beforeEach(() => {
    written = 0;
  });

  afterEach(async () => {
    await group.end();
  });

  async function write(count: number): Promise<void> {
    await writeAll(group.kafka, group.topic, numberedRecords(count, KEYS, PARTITIONS, written));
    written += count;
  }

  /** Waits, and writes more records meanwhile: the members of the group have work, however slowly another one starts. */
  async function untilBusy(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    await eventually(what, async () => {
      if (written - group.effects.handled < PORTION) await write(PORTION);
      return condition();
    });
  }

  it.each(['eager', 'cooperative'] as const)(
    'makes all members drain before a rebalance (%s): no record is lost or repeated',
    async (rebalancing) => {
      group = await TestGroup.on(workerKafka(), 'third', { partitions: PARTITIONS });
      await write(PORTION);
      const stayers = [group.launch(SETTINGS, { rebalancing }), group.launch(SETTINGS, { rebalancing })];
      await Promise.all(stayers.map((member) => member.joins()));
      await group.handles(PORTION / 4);

      const drainsBefore = stayers.map((member) => member.logged(DRAINED).length);
      const third = group.launch(SETTINGS, { rebalancing });
      await untilBusy('the third member handles its share', () => group.effects.by(third.name).length > 500);
      const drains = stayers.map((member) => member.logged(DRAINED).length);
      expect(drains.map((count, index) => count - (drainsBefore[index] ?? 0))).toEqual([1, 1]);

      await untilBusy('records wait in its memory', async () => (await third.status()).taken > SETTINGS.inFlight);
      expect(await third.stop()).toBe(0);
      expect(
        third.logged(
          /^stopped: finished \d+ since the start \(0 dead-lettered\); the drain finished \d+ \(0 dead-lettered\), [1-9]\d* left for redelivery, 0 unaccounted for$/,
        ),
      ).toHaveLength(1);
      await group.handles(written);
      for (const member of stayers) expect(await member.stop()).toBe(0);

      await expectNothingLost(group, written);
      expect(group.effects.repeats()).toEqual([]);
    },
  );

  it('does not join a group of another kind, and its status names the reason', async () => {
    group = await TestGroup.on(workerKafka(), 'kinds', { partitions: PARTITIONS });
    const eager = group.launch(SETTINGS);
    await eager.joins();
    const cooperative = group.launch(SETTINGS, { rebalancing: 'cooperative' });
    await eventually('the status names the reason', async () => {
      const { ready, notReadyBecause = '' } = await cooperative.status();
      return !ready && notReadyBecause.includes('INCONSISTENT_GROUP_PROTOCOL');
    });
    expect((await eager.status()).partitions).toHaveLength(PARTITIONS);
    expect([await cooperative.stop(), await eager.stop()]).toEqual([0, 0]);
  });

  it('leaves records whose handlers exceed the drain timeout for redelivery: these may repeat, but none is lost', async () => {
    group = await TestGroup.on(workerKafka(), 'hasty', { partitions: PARTITIONS });
    const count = 9_000;
    await write(count);
    const settings = { inFlight: 500, drainTimeoutMs: 100 };
    const slow = { handlerMs: 1_000 };
    const stayer = group.launch(settings, slow);
    await stayer.joins();
    await group.handles(500);
    const second = group.launch(settings, slow);
    await second.joins();
    await group.handles(count * 0.75);
    await second.stop();
    await group.handles(count);
    await stayer.stop();

    // A handler that outlives the revocation of its partition may end after another member's attempt: that is the cost of at-least-once.
    const lost = numberedRecords(count, KEYS, PARTITIONS).filter(
      ({ value }) => !group.effects.values().has(String(value)),
    );
    expect(lost).toEqual([]);
    await group.commitsAll();
    const repeats = group.effects.repeats().length;
    console.info(`redelivered: ${repeats} of ${count} repeated in two rebalances of up to 2 x 500 in flight`);
    expect(repeats).toBeLessThanOrEqual(4 * settings.inFlight);
  });
});
