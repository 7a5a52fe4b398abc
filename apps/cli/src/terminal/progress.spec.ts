import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { RecordedStream } from '../testing/command-line-run.js';
import type { Operation } from '#api/producer.js';
import { OPERATION, SUCCEEDED } from '../testing/local-servers.js';
import { bytes, count, duration, tableOf } from './output.js';
import { progressBar, progressText, Progress } from './progress.js';

const CLEAR = '\u001b[K';

/** Progress on a stream. @param columns the width of a terminal; none: it is no terminal */
function shown(columns?: number) {
  const clock = new ManualClock();
  const stream = new RecordedStream(columns !== undefined, columns);
  return { clock, stream, progress: new Progress(stream, clock) };
}

describe('progress on a terminal', () => {
  it('is one line, redrawn each second and at each update, with a line break at the end', async () => {
    const { clock, stream, progress } = shown(120);
    progress.update(OPERATION);
    await clock.advance(1_000);
    progress.update({ ...OPERATION, saved: 450 });
    progress.end();
    await clock.advance(10_000);
    const drawn = stream.text.split('\r').slice(1);
    expect(drawn).toHaveLength(4);
    expect(drawn.slice(0, -1).every((line) => line.endsWith(CLEAR))).toBe(true);
    expect(drawn[0]).toBe(`[###############-------................] 400 of 1,000 saved, 600 sent${CLEAR}`);
    expect(drawn.at(-1)).toMatch(/450 of 1,000 saved/);
    expect(stream.lines).toHaveLength(1);
  });

  it('measures the rate over the last seconds', async () => {
    const { clock, stream, progress } = shown(120);
    for (let second = 0; second < 5; second += 1) {
      progress.update({ ...OPERATION, saved: 400 + second * 50 });
      await clock.advance(1_000);
    }
    expect(stream.text.split('\r').at(-1)).toContain('600 of 1,000 saved, 600 sent, 40/s, 0:10 left');
    await clock.advance(20_000);
    expect(stream.text.split('\r').at(-1)).toMatch(/ 0\/s[^,]*$/);
    progress.end();
  });

  it.each([40, 30])('drops the bar first, then truncates the text to fit %i columns', (columns) => {
    const { stream, progress } = shown(columns);
    progress.update(OPERATION);
    progress.end();
    const line = stream.text.split('\r').at(1)?.replace(CLEAR, '') ?? '';
    expect(line).toMatch(/^400 of 1,000/);
    expect(line.length).toBeLessThan(columns);
  });

  it.each([80, 0])('shows the bar in %i columns also for millions of orders; 0 means unknown', (columns) => {
    const { stream, progress } = shown(columns);
    progress.update({ ...OPERATION, count: 10_000_000, acked: 6_123_400, saved: 4_321_000 });
    progress.end();
    expect(stream.text).toMatch(/^\r\[#+-+\.+\] 4,321,000 of 10,000,000 saved, 6,123,400 sent/);
  });

  it('shows that the connection is lost, until the next update', () => {
    const { stream, progress } = shown(200);
    progress.update(OPERATION);
    progress.lost('ECONNREFUSED');
    expect(stream.text).toMatch(/connection lost \(ECONNREFUSED\), retrying; last seen: 400 of 1,000 saved[^\r]*$/);
    progress.update(OPERATION);
    expect(stream.text).not.toMatch(/connection lost[^\r]*$/);
    progress.end();
  });
});

describe('progress without a TTY', () => {
  it('is a plain line every 5 s if it has changed, and one at the end', async () => {
    const { clock, stream, progress } = shown();
    for (const saved of [400, 450, 500]) progress.update({ ...OPERATION, saved });
    expect(stream.lines).toEqual(['400 of 1,000 saved, 600 sent']);
    await clock.advance(5_000);
    expect(stream.lines.slice(1)).toEqual([expect.stringMatching(/^500 of 1,000 saved, 600 sent, \d+\/s/)]);
    await clock.advance(60_000);
    const lineCount = stream.lines.length;
    await clock.advance(60_000);
    expect(stream.lines).toHaveLength(lineCount);
    progress.update(SUCCEEDED);
    progress.end();
    expect(stream.lines.at(-1)).toBe('1,000 of 1,000 saved');
    expect(stream.text).not.toContain('\r');
    expect(stream.text).not.toContain('\u001b');
  });

  it('prints nothing before the first update', () => {
    const { stream, progress } = shown();
    progress.lost('ECONNREFUSED');
    progress.end();
    expect(stream.text).toBe('');
  });
});

describe('progress in words', () => {
  const FAULTS = { poison: 3, oversized: 0, duplicate: 5, conflict: 8 };
  const LETTERS = { moved: 208, saved: 100, returned: 8, waiting: 100, missing: 0, unmovable: 0 };
  const REDRIVE: Partial<Operation> = {
    kind: 'redrive',
    count: 208,
    acked: 208,
    saved: 100,
    deadLettered: 8,
    redrive: { filter: {}, limit: null, maxRedrives: 5, ...LETTERS },
  };
  const IMPORT: Partial<Operation> = {
    kind: 'import',
    count: null,
    acked: 0,
    saved: null,
    state: { code: 'reading', text: 'reading the files' },
    import: { files: 2, known: 0, refused: 0, rows: 1_200, accepted: 1_200, skipped: 0, conflicting: 0, malformed: 0 },
  };
  const SO_FAR = '400 of 1,000 saved, 600 sent';
  const RATE = `${SO_FAR}, 50/s, 0:12 left`;

  it.each<[Partial<Operation>, number | null, string]>([
    [{}, 50, RATE],
    [{}, 0, `${SO_FAR}, 0/s`],
    // Not known yet.
    [{}, null, SO_FAR],
    [
      { count: 100_000, saved: 43_210, acked: 61_234 },
      9_300,
      '43,210 of 100,000 saved, 61,234 sent, 9,300/s, 0:07 left',
    ],
    [{ acked: 1_000, status: 'succeeded' }, 50, '400 of 1,000 saved, all sent, 50/s, 0:12 left'],
    // A saved order is sent, also if that figure is older.
    [{ count: 20_000, acked: 0, saved: 162 }, null, '162 of 20,000 saved, 162 sent'],
    // Dead letters do not remain.
    [{ saved: 900, deadLettered: 50 }, 50, '900 of 1,000 saved, 950 sent, 50/s, 0:01 left, 50 dead letters'],
    // The operation does not count dead letters of records beyond the orders.
    [{ ackedFaults: FAULTS }, null, `${SO_FAR}, 8 more dead letters, of conflict records beyond the orders`],
    [
      { ackedFaults: { ...FAULTS, conflict: 1 } },
      null,
      `${SO_FAR}, 1 more dead letter, of a conflict record beyond the orders`,
    ],
    [{ ackedFaults: { ...FAULTS, conflict: 0 } }, null, SO_FAR],
    [IMPORT, null, 'reading the files, 1,200 rows so far'],
    [REDRIVE, 50, '100 of 208 saved, all sent, 50/s, 0:02 left, 8 dead-lettered again'],
    [{ waitingFor: 'consumers' }, 50, `${RATE}, waits for the consumers`],
    [{ waitingFor: 'consumers', savesWaitFor: 'consumer-1: no disk' }, 50, `${RATE}, waits for consumer-1: no disk`],
    [{ interruption: 'cancel' }, 50, `${RATE}, about to cancel`],
    // Only what was sent remains of a paused and of a cancelled one.
    [{ status: 'paused' }, 50, `${SO_FAR}, 50/s, 0:04 left, paused`],
    [{ status: 'cancelled', saved: 500 }, 50, '500 of 1,000 saved, 600 sent, 50/s, 0:02 left, cancelled'],
    [SUCCEEDED, 0, '1,000 of 1,000 saved'],
  ])('is for %j, with %p saved a second: %s', (changes, savedPerSecond, text) => {
    expect(progressText({ operation: { ...OPERATION, ...changes }, savedPerSecond, notice: undefined })).toBe(text);
  });

  it('shows no rate without a connection, only the last known figures', () => {
    const view = { operation: OPERATION, savedPerSecond: 50, notice: 'connection lost' };
    expect(progressText(view)).toBe(`connection lost; last seen: ${SO_FAR}`);
  });

  it.each<[string, Partial<Operation>, string]>([
    ['saved, acknowledged and remaining orders', {}, '[####--....]'],
    ['dead letters as ended', { saved: 300, deadLettered: 100 }, '[####--....]'],
    ['all orders', SUCCEEDED, '[##########]'],
    ['nothing while the figures are unknown', { saved: null, acked: 0 }, '[..........]'],
    ['nothing while the number of orders is unknown', { count: null }, '[..........]'],
  ])('shows %s in the bar', (_, changes, bar) => {
    expect(progressBar({ ...OPERATION, ...changes }, 12)).toBe(bar);
  });
});

describe('figures', () => {
  it.each([
    [count(61_234), '61,234'],
    [count(0), '0'],
    [count(null), '?'],
    [count(undefined), '?'],
    [duration(3.2), '0:04'],
    [duration(60), '1:00'],
    [duration(200), '3:20'],
    [duration(7_500), '2:05:00'],
    [duration(null), '?'],
    [bytes(0), '0 B'],
    [bytes(512), '512 B'],
    [bytes(1_536), '1.5 KiB'],
    [bytes(2 ** 31), '2.0 GiB'],
  ])('are formatted for people: %s', (text, wanted) => {
    expect(text).toBe(wanted);
  });

  it('are aligned right in a table, whose columns are as wide as their widest cells', () => {
    const columns = [{ heading: 'name' }, { heading: 'n', align: 'right' }, { heading: 'note' }] as const;
    const rows = [
      ['a', '1,000', ''],
      ['longer', '2', 'x'],
    ];
    const lines = ['name        n  note', 'a       1,000', 'longer      2  x'];
    expect(tableOf(columns, rows).split('\n')).toEqual(lines);
  });
});
