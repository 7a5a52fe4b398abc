import { describe, expect, it } from '@jest/globals';
import { scalingVerdict, type ScalingVerdict } from './scaling-verdict.js';
import type { ObservationWindow } from './observation-window.js';

const ONE: ObservationWindow = {
  seconds: 8,
  consumers: 1,
  partitions: 12,
  inFlightLimit: 1_000,
  isSearched: false,
  savedPerSecond: 2_000,
  used: 0.98,
  hadWork: true,
  consumerCores: 0.3,
  machineLoad: 0.4,
};

/** Of a change from one consumer with 1,000 in flight to two. */
function verdictOf(after: Partial<ObservationWindow>, before: Partial<ObservationWindow> = {}): ScalingVerdict {
  return scalingVerdict({ ...ONE, ...before }, { ...ONE, consumers: 2, inFlightLimit: 2_000, ...after });
}

describe('the verdict on a scaling', () => {
  it('says by how much it helped', () => {
    expect(verdictOf({ savedPerSecond: 3_800 })).toEqual({
      outcome: 'faster',
      factor: 1.9,
      bound: null,
      text: 'x1.90, helped',
    });
  });

  it.each<[string, Partial<ObservationWindow>, ScalingVerdict['bound']]>([
    ['partitions, where some consumers have none', { consumers: 13 }, 'partitions'],
    ['a consumer’s one thread', { consumerCores: 0.97 }, 'cpu'],
    ['the machine', { machineLoad: 0.96 }, 'cpu'],
    ['keys, where the windows do not fill though there is work', { used: 0.4 }, 'keys'],
    ['the database, where all is full and nothing else is busy', {}, 'database'],
  ])('says that there is no gain, and that it is bound by %s', (_, after, bound) => {
    const verdict = verdictOf({ savedPerSecond: 2_040, ...after });
    expect(verdict).toMatchObject({ outcome: 'no-gain', bound });
    expect(verdict.text).toMatch(/^x1[.]02, no gain: bound by /);
  });

  it('says that it helped, and what keeps it from helping by as much as it could', () => {
    const verdict = verdictOf({ savedPerSecond: 2_800, machineLoad: 0.97 });
    expect(verdict).toMatchObject({ outcome: 'faster', bound: 'cpu', text: 'x1.40, helped; now bound by CPU' });
  });

  it('says that it made it slower', () => {
    expect(verdictOf({ savedPerSecond: 1_500 })).toMatchObject({ outcome: 'slower', factor: 0.75, bound: 'database' });
  });

  it('expects nothing of less, and tells when less does as well', () => {
    const two = { consumers: 2, inFlightLimit: 2_000, savedPerSecond: 4_000 };
    const toOne = (savedPerSecond: number): string =>
      scalingVerdict({ ...ONE, ...two }, { ...ONE, savedPerSecond }).text;
    expect([toOne(2_000), toOne(3_900)]).toEqual(['x0.50, slower, as less is', 'x0.97, as fast as before with less']);
  });

  it('goes by the consumers where the limit finds itself', () => {
    const searched = { isSearched: true, inFlightLimit: 9_000 };
    expect(verdictOf({ ...searched, savedPerSecond: 3_900 }, { isSearched: true }).bound).toBeNull();
  });

  it('is unknown when there was too little to do, before or after, or nobody had looked', () => {
    expect(verdictOf({ savedPerSecond: 500, hadWork: false }).outcome).toBe('unknown');
    expect(verdictOf({ savedPerSecond: 500 }, { hadWork: false }).outcome).toBe('unknown');
    expect(verdictOf({ savedPerSecond: 500 }, { savedPerSecond: 0 }).outcome).toBe('unknown');
    expect(scalingVerdict(undefined, ONE)).toMatchObject({ outcome: 'unknown', factor: null, bound: null });
  });
});
