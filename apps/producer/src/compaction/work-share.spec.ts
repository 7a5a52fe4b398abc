import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { WorkShare } from './work-share.js';

describe('the share of background work', () => {
  it('is a twentieth of the time', async () => {
    const clock = new ManualClock();
    const share = new WorkShare(clock);
    let rested = 0;
    for (let part = 0; part < 3; part += 1) {
      await clock.advance(50);
      const resting = share.rest().then(() => (rested += 1));
      await clock.advance(949);
      expect(rested).toBe(part);
      await clock.advance(1);
      await resting;
    }
    expect([rested, clock.now()]).toEqual([3, 3_000]);
  });

  it('pauses five seconds at most: a part that waited long for the database does not stop the work', async () => {
    const clock = new ManualClock();
    const share = new WorkShare(clock);
    await clock.advance(60_000);
    const resting = share.rest();
    await clock.advance(5_000);
    await resting;
    expect(clock.now()).toBe(65_000);
  });
});
