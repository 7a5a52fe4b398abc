import { describe, expect, it } from '@jest/globals';
import { Suspension } from './suspension.js';

const noJitter = (): number => 1;

/** A suspension in which an attempt has just found the environment away. */
function suspended(): { suspension: Suspension; wait: number | undefined; earlier: number } {
  const suspension = new Suspension({ initialMs: 100, maxMs: 400 }, noJitter);
  const earlier = suspension.begin();
  const wait = suspension.failed(suspension.begin());
  return { suspension, wait, earlier };
}

describe('a suspension', () => {
  it('admits nothing until its back-off has passed, then one probe', () => {
    const { suspension, wait } = suspended();
    expect(wait).toBe(100);
    expect(suspension.admits()).toBe(false);
    suspension.due();
    expect(suspension.admits()).toBe(true);
    expect(suspension.admits()).toBe(false);
  });

  it('ends with the answer to its probe', () => {
    const { suspension } = suspended();
    suspension.due();
    suspension.admits();
    expect(suspension.answered(suspension.begin())).toBe(true);
    expect(suspension.active).toBe(false);
    expect(suspension.admits()).toBe(true);
  });

  it('is not ended by an attempt from before it', () => {
    const { suspension, earlier } = suspended();
    expect(suspension.answered(earlier)).toBe(false);
    expect(suspension.active).toBe(true);
  });

  it('takes the failures of attempts from before it for old news, also while it probes', () => {
    const { suspension, earlier } = suspended();
    expect(suspension.failed(earlier)).toBeUndefined();
    suspension.due();
    suspension.admits();
    const probe = suspension.begin();
    expect(suspension.failed(earlier)).toBeUndefined();
    expect(suspension.failed(probe)).toBe(200);
  });

  it('waits twice as long after each probe that fails, up to its bound, and never stops probing', () => {
    const { suspension, wait } = suspended();
    const waits = [wait];
    for (let probe = 0; probe < 4; probe += 1) {
      suspension.due();
      expect(suspension.admits()).toBe(true);
      waits.push(suspension.failed(suspension.begin()));
    }
    expect(waits).toEqual([100, 200, 400, 400, 400]);
  });

  it('lets another task be the probe when the one that was admitted made no attempt', () => {
    const { suspension } = suspended();
    suspension.due();
    expect(suspension.admits()).toBe(true);
    suspension.passed();
    expect(suspension.admits()).toBe(true);
  });

  it('admits nothing more because a task passed while it still waits', () => {
    const { suspension } = suspended();
    suspension.passed();
    expect(suspension.admits()).toBe(false);
  });
});
