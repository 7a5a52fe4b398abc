import { describe, expect, it } from '@jest/globals';
import { CircuitBreaker } from './circuit-breaker.js';

const noJitter = (): number => 1;

/** A suspension in which an attempt has just found the environment away. */
function suspended(): { suspension: CircuitBreaker; wait: number | undefined; earlier: number } {
  const suspension = new CircuitBreaker({ initialMs: 100, maxMs: 400 }, noJitter);
  const earlier = suspension.begin();
  const wait = suspension.recordFailure(suspension.begin());
  return { suspension, wait, earlier };
}

describe('a suspension', () => {
  it('tryAcquire nothing until its back-off has passed, then one probe', () => {
    const { suspension, wait } = suspended();
    expect(wait).toBe(100);
    expect(suspension.tryAcquire()).toBe(false);
    suspension.halfOpen();
    expect(suspension.tryAcquire()).toBe(true);
    expect(suspension.tryAcquire()).toBe(false);
  });

  it('ends with the answer to its probe', () => {
    const { suspension } = suspended();
    suspension.halfOpen();
    suspension.tryAcquire();
    expect(suspension.recordSuccess(suspension.begin())).toBe(true);
    expect(suspension.active).toBe(false);
    expect(suspension.tryAcquire()).toBe(true);
  });

  it('is not ended by an attempt from before it', () => {
    const { suspension, earlier } = suspended();
    expect(suspension.recordSuccess(earlier)).toBe(false);
    expect(suspension.active).toBe(true);
  });

  it('takes the failures of attempts from before it for old news, also while it probes', () => {
    const { suspension, earlier } = suspended();
    expect(suspension.recordFailure(earlier)).toBeUndefined();
    suspension.halfOpen();
    suspension.tryAcquire();
    const probe = suspension.begin();
    expect(suspension.recordFailure(earlier)).toBeUndefined();
    expect(suspension.recordFailure(probe)).toBe(200);
  });

  it('waits twice as long after each probe that fails, up to its bound, and never stops probing', () => {
    const { suspension, wait } = suspended();
    const waits = [wait];
    for (let probe = 0; probe < 4; probe += 1) {
      suspension.halfOpen();
      expect(suspension.tryAcquire()).toBe(true);
      waits.push(suspension.recordFailure(suspension.begin()));
    }
    expect(waits).toEqual([100, 200, 400, 400, 400]);
  });

  it('lets another task be the probe when the one that was admitted made no attempt', () => {
    const { suspension } = suspended();
    suspension.halfOpen();
    expect(suspension.tryAcquire()).toBe(true);
    suspension.release();
    expect(suspension.tryAcquire()).toBe(true);
  });

  it('tryAcquire nothing more because a task passed while it still waits', () => {
    const { suspension } = suspended();
    suspension.release();
    expect(suspension.tryAcquire()).toBe(false);
  });
});
