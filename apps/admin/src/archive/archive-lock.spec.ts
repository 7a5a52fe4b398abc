import { beforeEach, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { Mongo } from '#service/mongodb/mongo.js';
import { FakeLeases } from '#service/mongodb/testing/fake-leases.js';
import { withArchiveLock } from './archive-lock.js';

let clock: ManualClock;
let locks: FakeLeases;
let lines: string[];

beforeEach(() => {
  [clock, locks, lines] = [new ManualClock(), new FakeLeases(), []];
});

/** Begins a command. @returns how it ends: `done`, or the code of its error */
async function begin(work: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
  const mongo = { db: { collection: () => locks }, time: { now: () => new Date(clock.now()) } };
  return withArchiveLock(mongo as unknown as Mongo, { clock, print: (line) => lines.push(line) }, work).then(
    () => 'done',
    (error: unknown) => (error as { code: string }).code,
  );
}

/** Works until it is interrupted. */
async function untilInterrupted(signal: AbortSignal): Promise<void> {
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

it('lets one command work after the other', async () => {
  const first = Promise.withResolvers<void>();
  const ends = [begin(async () => first.promise), begin(async () => undefined)];
  await clock.advance(2_000);
  expect(lines).toEqual([expect.stringMatching(/^waiting for another archive command \(process \d+ on /)]);
  first.resolve();
  expect(await ends[0]).toBe('done');
  await clock.advance(1_000);
  expect([await ends[1], locks.lease?.owner]).toEqual(['done', null]);
});

it('is kept for as long as the command works: another one gives up', async () => {
  void begin(untilInterrupted);
  const other = begin(async () => undefined);
  await clock.advance(20_000);
  expect(await other).toBe('archive-busy');
});

it('is taken over 15 s after its process was killed', async () => {
  locks.lease = { owner: 'killed', expiresAt: new Date(clock.now() + 15_000) };
  const next = begin(async () => undefined);
  await clock.advance(16_000);
  expect(await next).toBe('done');
});

it('interrupts the command when another one has taken it over', async () => {
  let signal: AbortSignal | undefined;
  const command = begin(async (given) => untilInterrupted((signal = given)));
  await clock.advance(0);
  locks.lease = { owner: 'other', expiresAt: new Date(clock.now() + 15_000) };
  await clock.advance(3_000);
  expect(signal?.aborted).toBe(true);
  expect([await command, locks.lease.owner]).toEqual(['archive-interrupted', 'other']);
});
