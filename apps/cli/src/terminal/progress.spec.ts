import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { RecordedStream } from '../testing/recorded-stream.js';
import { OPERATION, SUCCEEDED } from '../testing/operation-example.js';
import { Progress } from './progress.js';

const CLEAR = '\u001b[K';

describe('progress on a terminal', () => {
  it('is one line, redrawn each second and at each update, with a line break at the end', async () => {
    const clock = new ManualClock();
    const stream = new RecordedStream(true, 120);
    const progress = new Progress(stream, clock);
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
    const clock = new ManualClock();
    const stream = new RecordedStream(true, 120);
    const progress = new Progress(stream, clock);
    for (let second = 0; second < 5; second += 1) {
      progress.update({ ...OPERATION, saved: 400 + second * 50 });
      await clock.advance(1_000);
    }
    expect(stream.text.split('\r').at(-1)).toContain('600 of 1,000 saved, 600 sent, 40/s, 0:10 left');
    await clock.advance(20_000);
    expect(stream.text.split('\r').at(-1)).toMatch(/ 0\/s[^,]*$/);
    progress.end();
  });

  it('fits the terminal width: it drops the bar first, then truncates the text', () => {
    for (const columns of [40, 30]) {
      const stream = new RecordedStream(true, columns);
      const progress = new Progress(stream, new ManualClock());
      progress.update(OPERATION);
      progress.end();
      const line = stream.text.split('\r').at(1)?.replace(CLEAR, '') ?? '';
      expect(line).toMatch(/^400 of 1,000/);
      expect(line.length).toBeLessThan(columns);
    }
  });

  it('shows the bar in 80 columns also for millions of orders, and treats a width of 0 as unknown', () => {
    for (const columns of [80, 0]) {
      const stream = new RecordedStream(true, columns);
      const progress = new Progress(stream, new ManualClock());
      progress.update({ ...OPERATION, count: 10_000_000, acked: 6_123_400, saved: 4_321_000 });
      progress.end();
      expect(stream.text).toMatch(/^\r\[#+-+\.+\] 4,321,000 of 10,000,000 saved, 6,123,400 sent/);
    }
  });

  it('shows that the connection is lost, until the next update', () => {
    const stream = new RecordedStream(true, 200);
    const progress = new Progress(stream, new ManualClock());
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
    const clock = new ManualClock();
    const stream = new RecordedStream();
    const progress = new Progress(stream, clock);
    progress.update(OPERATION);
    progress.update({ ...OPERATION, saved: 450 });
    progress.update({ ...OPERATION, saved: 500 });
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
    const stream = new RecordedStream();
    const progress = new Progress(stream, new ManualClock());
    progress.lost('ECONNREFUSED');
    progress.end();
    expect(stream.text).toBe('');
  });
});
