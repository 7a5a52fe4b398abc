import { describe, expect, it } from '@jest/globals';
import { anAttempt } from '../testing/an-attempt.js';
import * as fc from 'fast-check';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { Attempt } from '../attempts/record-handler.js';
import type { ConsumedRecord } from '../records/record.js';
import { rateLimited } from './rate-limited.js';

const record = (offset: number): ConsumedRecord => ({ offset }) as ConsumedRecord;
const attempt = (signal = new AbortController().signal): Attempt => anAttempt({ signal });

describe('a rate-limited handler', () => {
  it('begins attempts in order, and in no time more than the rate allows, whenever they arrive', async () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 30 });
    const property = fc.asyncProperty(gaps, fc.constantFrom(0.5, 1, 3, 40), async (arrivals, perSecond) => {
      const clock = new ManualClock();
      const begun: { readonly offset: number; readonly at: number }[] = [];
      const handler = rateLimited(async ({ offset }) => void begun.push({ offset, at: clock.now() }), {
        perSecond,
        clock,
      });
      for (const [offset, gap] of arrivals.entries()) {
        await clock.advance(gap);
        void handler(record(offset), attempt());
      }
      await clock.advance((arrivals.length / perSecond) * 1_000);
      expect(begun.map(({ offset }) => offset)).toEqual(arrivals.map((_, offset) => offset));
      for (const [from, first] of begun.entries())
        for (const [to, last] of begun.slice(from).entries())
          // A timer is exact to a millisecond.
          expect(to + 1).toBeLessThanOrEqual(((last.at - first.at + 1) / 1_000) * perSecond + 1);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  it('does not delay an attempt after a quiet time', async () => {
    const clock = new ManualClock();
    let begun = 0;
    const handler = rateLimited(async () => void (begun += 1), { perSecond: 1, clock });
    await handler(record(0), attempt());
    await clock.advance(1_000);
    await handler(record(1), attempt());
    expect(begun).toBe(2);
  });

  it('ends the wait of an attempt that is aborted', async () => {
    const clock = new ManualClock();
    const handler = rateLimited(async () => undefined, { perSecond: 0.001, clock });
    await handler(record(0), attempt());
    const aborting = new AbortController();
    const waiting = handler(record(1), attempt(aborting.signal)).catch(String);
    await settle();
    aborting.abort(new Error('revoked'));
    expect(await waiting).toBe('Error: revoked');
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '5'])('is refused for the rate %p', (perSecond) => {
    expect(() => rateLimited(async () => undefined, { perSecond: perSecond as number })).toThrow(
      'perSecond must be a number above 0',
    );
  });
});
