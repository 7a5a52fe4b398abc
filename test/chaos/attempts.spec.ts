import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { encodeCompletedOffsets } from '../../libs/parallel-consumer/src/commits/completed-offsets.js';
import { judgeAttempts, type JudgedAttempts, monotonicMs, readTrace, TraceWriter, type TraceLine } from './attempts.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attempts-'));
});
afterEach(async () => rm(directory, { recursive: true }));

/** Writes the traces of two processes, and judges them. Partition 0 has the records 0 to 3 of one key. */
async function judged(one: string, two = '', letters: readonly number[] = []): Promise<JudgedAttempts> {
  await writeFile(join(directory, 'consumer-1-7'), one);
  await writeFile(join(directory, 'consumer-2-8'), two);
  const keys = new Map([[0, new Map([0, 1, 2, 3].map((offset) => [offset, 'a']))]]);
  const isDeadLetter = (_: number, offset: number): boolean => letters.includes(offset);
  return judgeAttempts(await readTrace(directory, 1_000), { topic: 'orders', keys, isDeadLetter });
}

const text = (...lines: readonly TraceLine[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');
const began = (time: number, fence: number, requestedAt: number, offset = 0, metadata = ''): string =>
  text(['began', time, 0, { fence, requestedAt, offset, metadata }]);
const started = (time: number, id: number, offset: number, fence: number): string =>
  text(['started', time, id, 0, offset, fence, 1]);

/** The lines of an attempt that is inserted: it takes the times from `at` to `at` + 3. */
function saved(at: number, id: number, offset: number, fence: number): string {
  const insert = text(['insert-begins', at + 1, [id]], ['insert-ended', at + 2, 'done', [id]]);
  return started(at, id, offset, fence) + insert + text(['ended', at + 3, 'done', [id]]);
}

const promises = ({ first }: JudgedAttempts): string[] => first.map(({ promise }) => promise);

describe('the judge of attempts', () => {
  it('accepts attempts in order, a crash, and what the next owner repeats', async () => {
    const one = began(1, 5, 0) + saved(10, 1, 0, 5) + saved(20, 2, 1, 5) + '["started",30,3';
    const two = began(40, 6, 35, 1) + saved(50, 1, 1, 6) + saved(60, 2, 2, 6);
    expect(await judged(one, two)).toMatchObject({
      attempts: 4,
      inserts: 4,
      records: 3,
      ownerships: 2,
      members: 2,
      anomalies: 0,
      repeatsAfterLease: 0,
    });
  });

  it('finds an attempt, and an insert, that begin after the next owner has begun', async () => {
    const one = began(1, 5, 0) + started(10, 1, 0, 5) + started(60, 2, 1, 5) + text(['insert-begins', 70, [1]]);
    const two = began(40, 6, 35) + saved(50, 1, 0, 6);
    const found = await judged(one, two);
    expect(promises(found)).toEqual(['P4', 'P1', 'P4']);
    expect(found.first[0]).toMatchObject({
      text: expect.stringContaining('orders-0 offset 1 (key a) by consumer-1-7 (fence 5)'),
      time: 60,
      events: expect.arrayContaining(['50.000 started: offset 0, fence 6, consumer-2-8']),
    });
  });

  it('finds records out of order, and a position that is behind a commit', async () => {
    expect(promises(await judged(began(1, 5, 0) + saved(10, 1, 1, 5)))).toEqual(['P1', 'P1']);
    const behind = began(1, 5, 0) + saved(10, 1, 0, 5) + text(['committed', 20, 0, 1]);
    expect(promises(await judged(behind, began(40, 6, 35)))).toEqual(['P3']);
    expect(promises(await judged(behind, began(40, 6, 15)))).toEqual([]);
  });

  it('takes what the metadata list, and dead letters, for closed', async () => {
    const metadata = encodeCompletedOffsets('00'.repeat(16), 0, [{ from: 1, to: 2 }]);
    const listed = began(1, 5, 0, 0, metadata) + saved(10, 1, 0, 5) + saved(20, 2, 2, 5);
    expect(promises(await judged(listed))).toEqual([]);
    const wrong = began(1, 5, 0) + started(10, 1, 0, 5) + text(['ended', 11, 'failed', [1]]) + saved(20, 2, 1, 5);
    expect(promises(await judged(wrong))).toEqual(['P1', 'P1']);
    expect(promises(await judged(wrong, '', [0]))).toEqual([]);
  });

  it('counts what is inserted again after a lease has ended, but not after another loss', async () => {
    const two = began(40, 6, 35) + saved(50, 1, 0, 6) + saved(60, 2, 1, 6);
    const lost = (code: string): string => began(1, 5, 0) + saved(10, 1, 0, 5) + text(['lost', 30, code]);
    expect(await judged(lost('lease-expired'), two)).toMatchObject({ leaseEnds: [30], repeatsAfterLease: 1 });
    expect(await judged(lost('UNKNOWN_MEMBER_ID'), two)).toMatchObject({ leaseEnds: [], repeatsAfterLease: 0 });
  });

  it('ignores what was written later than the moment of judgement', async () => {
    expect(await judged(saved(10, 1, 0, 5) + saved(1_001, 2, 0, 5))).toMatchObject({ attempts: 1, anomalies: 0 });
  });
});

describe('the trace of a consumer', () => {
  it('is read as it was written, and is in the file before an insert begins', async () => {
    const path = join(directory, 'consumer-1-7');
    const trace = new TraceWriter(path);
    trace.write(['began', monotonicMs(), 0, { fence: 5, requestedAt: 0, offset: 0, metadata: '' }]);
    const ids = [trace.started(0, 0, 5, 1), trace.started(0, 1, 5, 2)];
    trace.write(['insert-begins', monotonicMs(), ids]);
    trace.flush();
    expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toHaveLength(4);
    trace.insertEnded(ids, ['done', 'failed']);
    trace.write(['committed', monotonicMs(), 0, 1]);
    trace.write(['lost', monotonicMs(), 'lease-expired']);
    trace.flush();
    const { partitions, losses, members } = await readTrace(directory, monotonicMs());
    expect(partitions.get(0)?.events.map(({ type, attempt }) => `${type} ${attempt.offset}`)).toEqual([
      'started 0',
      'started 1',
      'insert-begins 0',
      'insert-begins 1',
      'insert-ended 0',
      'insert-ended 1',
    ]);
    expect(partitions.get(0)).toMatchObject({ beginnings: [{ fence: 5, offset: 0 }], commits: [{ offset: 1 }] });
    expect(losses).toMatchObject([{ member: 'consumer-1-7', code: 'lease-expired' }]);
    expect(members).toEqual(await readdir(directory));
  });
});
