import { describe, expect, it } from '@jest/globals';
import { Suspension } from './suspension.js';

const BACK_OFF = { initialMs: 100, maxMs: 400 };
const noJitter = (): number => 1;

describe('a suspension', () => {
  it('admits nothing until its back-off has passed, then one probe', () => {
    const suspension = new Suspension(BACK_OFF, noJitter);
    expect(suspension.failed(0, 10)).toBe(100);
    expect(suspension.admits(109)).toBe(false);
    expect(suspension.admits(110)).toBe(true);
    expect(suspension.admits(111)).toBe(false);
  });

  it('ends with the first answer to an attempt that began in it', () => {
    const suspension = new Suspension(BACK_OFF, noJitter);
    suspension.failed(0, 10);
    suspension.admits(110);
    expect(suspension.answered(110)).toBe(true);
    expect(suspension.suspendedSince).toBeUndefined();
    expect(suspension.admits(111)).toBe(true);
  });

  it('is not ended by an attempt from before it', () => {
    const suspension = new Suspension(BACK_OFF, noJitter);
    suspension.failed(0, 10);
    expect(suspension.answered(5)).toBe(false);
    expect(suspension.suspendedSince).toBe(10);
  });

  it('takes the failures of attempts from before it for old news', () => {
    const suspension = new Suspension(BACK_OFF, noJitter);
    suspension.failed(0, 10);
    expect(suspension.failed(3, 12)).toBeUndefined();
  });

  it('waits twice as long after each probe that fails, up to its bound', () => {
    const suspension = new Suspension(BACK_OFF, noJitter);
    let now = 0;
    const waits = [suspension.failed(0, now)];
    for (let probe = 0; probe < 3; probe += 1) {
      now += waits.at(-1) ?? 0;
      suspension.admits(now);
      waits.push(suspension.failed(now, now));
    }
    expect(waits).toEqual([100, 200, 400, 400]);
  });
});
