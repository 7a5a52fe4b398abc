import { afterEach, describe, expect, it } from '@jest/globals';
import { Link } from '../../chaos/cluster/link.js';
import { workerKafka } from '../../support/own-servers.js';
import { eventually } from '../../support/eventually.js';
import { type ReportedAttempt, monotonicMicroseconds, type MemberSettings } from '../../support/member/effects.js';
import { expectNothingLost } from '../../support/member/expect-nothing-lost.js';
import type { MemberProcess } from '../../support/member/member-process.js';
import { TestGroup, behaving, numberedRecords, writeAll } from '../../support/member/test-group.js';

const PARTITIONS = 4;
/** Fewer than may be in flight, so that most records wait in memory behind their key. */
const KEYS = 16;
const RECORDS = 4_000;
/** More than the member can start until the contact limit. */
const IN_MEMORY = 800;
const RECORDS_LATER = 400;
const SESSION_TIMEOUT_MS = 6_000;
/** Three heartbeat intervals of 1 s. */
const CONTACT_LIMIT_MS = 3_000;
/** The session timeout less 5 %. */
const LEASE_MS = 5_700;
/** Between the comparison with the clock and the handler's report: far more than on a busy machine, and less than half of what the lease adds. */
const REPORT_MS = 1_000;

describe('a member that the group expels although it lives', () => {
  let group: TestGroup;
  let link: Link;
  let member: MemberProcess;
  let other: MemberProcess;

  afterEach(async () => {
    await link.close();
    await group.end();
  });

  /** Starts both members and gives them records: one waits on each partition until its signal aborts, and the first member's memory is full. */
  async function start(rebalancing: MemberSettings['rebalancing'] = 'eager'): Promise<void> {
    const kafka = workerKafka();
    const port = Number(kafka.brokers.split(':')[1]);
    group = await TestGroup.on(kafka, 'cut-off', { partitions: PARTITIONS });
    link = await Link.to(port);
    const common = { rebalancing, sessionTimeoutMs: SESSION_TIMEOUT_MS };
    const slow = { handlerMs: 200, waitsForAbort: true, redirectedPorts: { [port]: link.port } };
    member = group.launch({ inFlight: 20, maxBuffered: 2_000 }, { ...common, ...slow });
    other = group.launch({ inFlight: 20 }, { ...common, handlerMs: 20 });
    await eventually('both members have half of the partitions', async () => {
      const owned = await Promise.all([member, other].map(async (each) => (await each.status()).partitions.length));
      return owned.every((count) => count === PARTITIONS / 2) || owned;
    });
    const records = numberedRecords(RECORDS, KEYS, PARTITIONS);
    const waiting = records.map((record, n) => (n < PARTITIONS ? behaving(record, 'wait') : record));
    await writeAll(group.kafka, group.topic, waiting);
    await eventually('the member works, with many records in memory', async () => {
      const { taken, finished } = await member.status();
      return (taken > IN_MEMORY && finished > 50) || { taken, finished };
    });
  }

  /** Waits until the other member owns all partitions and has handled all that the first one left. */
  async function isTakenOver(): Promise<void> {
    await group.handles(RECORDS);
    expect((await other.status()).partitions).toHaveLength(PARTITIONS);
  }

  /** Waits until the member has joined again and shares new records with the other one. */
  async function worksAgain(since: number): Promise<void> {
    await member.joins();
    await writeAll(group.kafka, group.topic, numberedRecords(RECORDS_LATER, KEYS, PARTITIONS, RECORDS));
    await group.handles(RECORDS + RECORDS_LATER);
    expect(attempts(member).some(({ startedAt }) => startedAt > since)).toBe(true);
    await expectNothingLost(group, RECORDS + RECORDS_LATER);
    for (const each of [member, other]) expect(await each.stop()).toBe(0);
  }

  function attempts({ name }: MemberProcess): ReportedAttempt[] {
    return group.effects.attempts.filter((each) => each.member === name);
  }

  /** Splits the attempts of the ownerships that the member had at this time. */
  function ofOldOwnerships(at: number): { readonly before: ReportedAttempt[]; readonly after: ReportedAttempt[] } {
    const fences = new Set(attempts(member).flatMap(({ fence, startedAt }) => (startedAt < at ? [fence] : [])));
    const old = attempts(member).filter(({ fence }) => fences.has(fence));
    return {
      before: old.filter(({ startedAt }) => startedAt < at),
      after: old.filter(({ startedAt }) => startedAt >= at),
    };
  }

  /** Returns when the waiting attempts of the member were aborted, one on each of its partitions. */
  function aborts(): number[] {
    const waited = attempts(member).filter(({ record }) => Number(record.value) < PARTITIONS);
    expect(waited.map(({ end }) => end?.outcome)).toEqual(['failed', 'failed']);
    return waited.map(({ end }) => end?.at ?? Number.NaN);
  }

  /** Returns when the other member began its first attempt on the partitions that the member had. */
  function takeOver(): number {
    const partitions = new Set(ofOldOwnerships(aborts()[0] ?? 0).before.map(({ record }) => record.partition));
    expect(partitions.size).toBe(PARTITIONS / 2);
    return Math.min(
      ...attempts(other).flatMap(({ record, startedAt }) => (partitions.has(record.partition) ? [startedAt] : [])),
    );
  }

  it.each(['eager', 'cooperative'] as const)(
    'because it is cut off from Kafka starts nothing past the contact limit, and gives up at the end of its lease (%s)',
    async (rebalancing) => {
      await start(rebalancing);
      link.set({ kind: 'silent' });
      const cutAt = monotonicMicroseconds();
      await eventually('the member knows that it owns nothing', async () => {
        const { joined, ready, partitions } = await member.status();
        return (!joined && !ready && partitions.length === 0) || { joined, ready, owned: partitions.length };
      });
      await isTakenOver();

      // The last answered heartbeat was sent before the cut.
      const sinceCut = attempts(member).flatMap(({ startedAt }) =>
        startedAt >= cutAt ? [milliseconds(cutAt, startedAt)] : [],
      );
      const late = sinceCut.filter((started) => started > CONTACT_LIMIT_MS + REPORT_MS);
      const lastStart = Math.max(...sinceCut);
      console.info(
        `cut off (${rebalancing}): ${sinceCut.length} records started after the cut, the last after ${lastStart.toFixed()} ms, ${late.length} past the contact limit`,
      );
      expect(late).toEqual([]);
      expect(sinceCut.length).toBeGreaterThan(0);
      expect(sinceCut.length).toBeLessThan(IN_MEMORY);
      const takenOver = milliseconds(cutAt, takeOver());
      for (const aborted of aborts().map((at) => milliseconds(cutAt, at))) {
        console.info(
          `signals aborted after ${aborted.toFixed()} ms, the other member took over after ${takenOver.toFixed()} ms`,
        );
        // Both count from the same heartbeat: running work goes on from the contact limit to the end of the lease.
        expect(aborted - lastStart).toBeGreaterThanOrEqual(LEASE_MS - CONTACT_LIMIT_MS - REPORT_MS);
        expect(aborted).toBeLessThan(takenOver);
      }
      expect(member.log.map(({ details }) => details['code'])).toContain('lease-expired');

      const openedAt = monotonicMicroseconds();
      link.open();
      await worksAgain(openedAt);
      expect(ofOldOwnerships(openedAt).after).toEqual([]);
    },
  );

  it.each(['eager', 'cooperative'] as const)(
    'because its process was paused starts nothing of its old ownership when it continues (%s)',
    async (rebalancing) => {
      await start(rebalancing);
      member.pause();
      await isTakenOver();
      const continuedAt = monotonicMicroseconds();
      member.resume();
      await worksAgain(continuedAt);

      const { before, after } = ofOldOwnerships(continuedAt);
      console.info(
        `paused (${rebalancing}): ${before.length} records started before, ${after.length} after it continued`,
      );
      expect(after).toEqual([]);
      expect(takeOver()).toBeLessThan(continuedAt);
    },
  );
});

function milliseconds(from: number, to: number): number {
  return (to - from) / 1_000;
}
