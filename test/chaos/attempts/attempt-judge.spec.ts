import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { encodeCompletedOffsets } from '../../../libs/parallel-consumer/src/commits/completed-offsets.js';
import { judgeAttempts, type JudgedAttempts } from './attempt-judge.js';
import { monotonicMs, readTrace, TraceWriter } from './attempt-trace.js';

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
  const isLetter = (_: number, offset: number): boolean => letters.includes(offset);
  return judgeAttempts(await readTrace(directory, 1_000), { topic: 'orders', keys, isLetter });
}

/** The lines of an attempt that is inserted: it takes the times from `at` to `at` + 3. */
function saved(at: number, id: number, offset: number, fence: number): string {
  return [
    `s ${at} ${id} 0 ${offset} ${fence} 1`,
    `i ${at + 1} ${id}`,
    `r ${at + 2} done ${id}`,
    `e ${at + 3} done ${id}`,
    '',
  ].join('\n');
}

const promises = ({ first }: JudgedAttempts): string[] => first.map(({ promise }) => promise);

describe('the judge of attempts', () => {
  it('accepts attempts in order, a crash, and what the next owner repeats', async () => {
    const one = `b 1 0 5 0 0 \n${saved(10, 1, 0, 5)}${saved(20, 2, 1, 5)}s 30 3 0 2`;
    const two = `b 40 0 6 35 1 \n${saved(50, 1, 1, 6)}${saved(60, 2, 2, 6)}`;
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
    const one = `b 1 0 5 0 0 \ns 10 1 0 0 5 1\ns 60 2 0 1 5 1\ni 70 1\n`;
    const two = `b 40 0 6 35 0 \n${saved(50, 1, 0, 6)}`;
    const found = await judged(one, two);
    expect(promises(found)).toEqual(['P4', 'P1', 'P4']);
    expect(found.first[0]).toMatchObject({
      text: expect.stringContaining('orders-0 offset 1 (key a) by consumer-1-7 (fence 5)'),
      time: 60,
      events: expect.arrayContaining(['50.000 started: offset 0, fence 6, consumer-2-8']),
    });
  });

  it('finds records out of order, and a position that is behind a commit', async () => {
    expect(promises(await judged(`b 1 0 5 0 0 \n${saved(10, 1, 1, 5)}`))).toEqual(['P1', 'P1']);
    const behind = `b 1 0 5 0 0 \n${saved(10, 1, 0, 5)}c 20 0 1\n`;
    expect(promises(await judged(behind, `b 40 0 6 35 0 \n`))).toEqual(['P3']);
    expect(promises(await judged(behind, `b 40 0 6 15 0 \n`))).toEqual([]);
  });

  it('takes what the metadata list, and dead letters, for closed', async () => {
    const metadata = encodeCompletedOffsets('00'.repeat(16), 0, [{ from: 1, to: 2 }]);
    const listed = `b 1 0 5 0 0 ${metadata}\n${saved(10, 1, 0, 5)}${saved(20, 2, 2, 5)}`;
    expect(promises(await judged(listed))).toEqual([]);
    const wrong = `b 1 0 5 0 0 \ns 10 1 0 0 5 1\ne 11 failed 1\n${saved(20, 2, 1, 5)}`;
    expect(promises(await judged(wrong))).toEqual(['P1', 'P1']);
    expect(promises(await judged(wrong, '', [0]))).toEqual([]);
  });

  it('counts what is inserted again after a lease has ended, but not after another loss', async () => {
    const two = `b 40 0 6 35 0 \n${saved(50, 1, 0, 6)}${saved(60, 2, 1, 6)}`;
    const lost = (code: string): string => `b 1 0 5 0 0 \n${saved(10, 1, 0, 5)}l 30 ${code}\n`;
    expect(await judged(lost('lease-expired'), two)).toMatchObject({ leaseEnds: [30], repeatsAfterLease: 1 });
    expect(await judged(lost('UNKNOWN_MEMBER_ID'), two)).toMatchObject({ leaseEnds: [], repeatsAfterLease: 0 });
  });

  it('ignores what was written later than the moment of judgement', async () => {
    expect(await judged(`${saved(10, 1, 0, 5)}${saved(1_001, 2, 0, 5)}`)).toMatchObject({ attempts: 1, anomalies: 0 });
  });
});

describe('the trace of a consumer', () => {
  it('is read as it was written, and is in the file before an insert begins', async () => {
    const path = join(directory, 'consumer-1-7');
    const trace = new TraceWriter(path);
    trace.began(0, 5, monotonicMs(), 0, '');
    const ids = [trace.started(0, 0, 5, 1), trace.started(0, 1, 5, 2)];
    trace.insertBegins(ids);
    expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toHaveLength(4);
    trace.insertEnded(ids, ['done', 'failed']);
    trace.committed(0, 1);
    trace.lost('lease-expired');
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
