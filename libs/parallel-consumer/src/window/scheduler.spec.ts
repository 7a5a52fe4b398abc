import { describe, expect, it } from '@jest/globals';
import { Assignment, type Task } from '../partition/assignment-and-tasks.js';
import type { ConsumedRecord } from '../records/record.js';
import { Pauses } from './pauses.js';
import type { Ordering } from './ordering.js';
import { Scheduler } from './scheduler.js';

const LIMITS = { inFlight: 4, maxBuffered: 20, maxBytes: 1_000_000 };

function record(partition: number, offset: number, key: string | null): ConsumedRecord {
  return {
    topic: 't',
    partition,
    offset,
    key: key === null ? null : Buffer.from(key),
    value: null,
    valueText: null,
    headers: {},
    timestamp: 0,
    byteLength: 0,
  };
}

/** Creates a scheduler and an assignment that has taken records with these keys, at offsets 0, 1, … */
function taking(ordering: Ordering, ...keys: (string | null)[]): { scheduler: Scheduler; assignment: Assignment } {
  const scheduler = new Scheduler(ordering, LIMITS, new Pauses([]));
  const assignment = new Assignment('t', 0, 1);
  for (const [offset, key] of keys.entries()) scheduler.take(record(0, offset, key), assignment, 0);
  return { scheduler, assignment };
}

function startAll(scheduler: Scheduler): Task[] {
  const tasks: Task[] = [];
  for (let task = scheduler.next(); task !== undefined; task = scheduler.next()) tasks.push(task);
  return tasks;
}

function offsets(tasks: Task[]): number[] {
  return tasks.map((task) => task.record.offset);
}

describe('the scheduler', () => {
  it('runs different keys in parallel, and the records of one key sequentially in offset order', () => {
    const { scheduler } = taking('key', 'a', 'a', 'b', 'a');
    const [first, ...others] = startAll(scheduler);
    expect(offsets([first as Task, ...others])).toEqual([0, 2]);
    scheduler.finished(first as Task);
    expect(offsets(startAll(scheduler))).toEqual([1]);
  });

  it('keeps a key blocked while its record waits for a retry', () => {
    const { scheduler } = taking('key', 'a', 'a');
    const [first] = startAll(scheduler);
    scheduler.postponed(first as Task);
    expect(startAll(scheduler)).toEqual([]);
    scheduler.readyAgain(first as Task);
    expect(offsets(startAll(scheduler))).toEqual([0]);
  });

  it('treats records without a key as unordered', () => {
    expect(offsets(startAll(taking('key', null, null, null).scheduler))).toEqual([0, 1, 2]);
  });

  it('runs all records at once when unordered, and one when ordered by partition', () => {
    expect(startAll(taking('unordered', 'a', 'a', 'a').scheduler)).toHaveLength(3);
    expect(startAll(taking('partition', 'a', 'b', 'c').scheduler)).toHaveLength(1);
  });

  it('never runs more records than the limit', () => {
    expect(startAll(taking('unordered', ...Array.from({ length: 9 }, () => null)).scheduler)).toHaveLength(4);
  });

  it('is full at 125 % of the in-flight limit, until a record finishes', () => {
    const { scheduler } = taking('unordered', null, null, null, null);
    expect(scheduler.isFull()).toBe(false);
    scheduler.take(record(0, 4, null), new Assignment('t', 0, 1), 0);
    expect(scheduler.isFull()).toBe(true);
    scheduler.finished(startAll(scheduler)[0] as Task);
    expect(scheduler.isFull()).toBe(false);
  });

  it('takes records behind a busy key, and leaves a third of the window to other partitions', () => {
    const scheduler = new Scheduler('key', LIMITS, new Pauses([]));
    const [hot, other] = [new Assignment('t', 0, 1), new Assignment('t', 1, 1)];
    let offset = 0;
    for (; scheduler.hasShare(hot); offset += 1) scheduler.take(record(0, offset, 'hot'), hot, 0);
    expect(offset).toBe(14);
    expect(scheduler.isFull()).toBe(false);
    expect(scheduler.hasShare(other)).toBe(true);
  });

  it('shares bytes like records', () => {
    const scheduler = new Scheduler('key', { ...LIMITS, maxBuffered: 1_000, maxBytes: 6_000 }, new Pauses([]));
    const [hot, other] = [new Assignment('t', 0, 1), new Assignment('t', 1, 1)];
    for (let offset = 0; scheduler.hasShare(hot); offset += 1) scheduler.take(record(0, offset, 'hot'), hot, 0);
    expect(scheduler.bytes).toBeLessThanOrEqual(4_800);
    expect(scheduler.hasShare(other)).toBe(true);
  });

  it('runs more records as soon as its limit is raised', () => {
    const { scheduler } = taking('unordered', ...Array.from({ length: 9 }, () => null));
    expect(startAll(scheduler)).toHaveLength(4);
    scheduler.resize({ ...LIMITS, inFlight: 6 });
    expect(startAll(scheduler)).toHaveLength(2);
  });

  it('serves partitions in turn, so that a long queue does not starve a short one', () => {
    const scheduler = new Scheduler('unordered', LIMITS, new Pauses([]));
    const [long, short] = [new Assignment('t', 0, 1), new Assignment('t', 1, 1)];
    for (let offset = 0; offset < 4; offset += 1) scheduler.take(record(0, offset, null), long, 0);
    for (let offset = 0; offset < 2; offset += 1) scheduler.take(record(1, offset, null), short, 0);
    expect(startAll(scheduler).map((task) => task.record.partition)).toEqual([0, 1, 0, 1]);
  });

  it('releases the waiting records of a revoked partition immediately, and running ones when they end', () => {
    const { scheduler, assignment } = taking('key', 'a', 'a', 'b');
    const [running] = startAll(scheduler);
    assignment.revoke();
    expect(scheduler.handOver(assignment)).toBe(1);
    for (const task of [running as Task]) scheduler.finished(task);
    expect({ running: scheduler.running, taken: scheduler.taken }).toEqual({ running: 1, taken: 1 });
  });
});
