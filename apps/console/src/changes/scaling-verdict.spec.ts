import { describe, expect, it } from '@jest/globals';
import { scalingVerdict, type ScalingVerdict } from './scaling-verdict.js';
import type { ObservationWindow } from './observation-window.js';

const ONE: ObservationWindow = {
  seconds: 8,
  consumers: 1,
  partitions: 12,
  inFlightLimit: 1_000,
  isAuto: false,
  savedPerSecond: 2_000,
  used: 0.98,
  hadWork: true,
  consumerCores: 0.3,
  machineLoad: 0.4,
};

/** The verdict on a change from one consumer with 1,000 in flight to two consumers. */
function verdictOn(after: Partial<ObservationWindow>, before: Partial<ObservationWindow> = {}): ScalingVerdict {
  return scalingVerdict({ ...ONE, ...before }, { ...ONE, consumers: 2, inFlightLimit: 2_000, ...after });
}

describe('the verdict on a scaling', () => {
  it('states by how much the change helped', () => {
    expect(verdictOn({ savedPerSecond: 3_800 })).toEqual({
      outcome: 'faster',
      factor: 1.9,
      bound: null,
      text: 'x1.90, helped',
    });
  });

  it.each<[string, Partial<ObservationWindow>, ScalingVerdict['bound']]>([
    ['partitions, when some consumers have none', { consumers: 13 }, 'partitions'],
    ['a consumer’s one thread', { consumerCores: 0.97 }, 'cpu'],
    ['the machine', { machineLoad: 0.96 }, 'cpu'],
    ['keys, when the in-flight limit is not used up although there is work', { used: 0.4 }, 'keys'],
    ['the database, when the in-flight limit is used up and nothing else is busy', {}, 'database'],
  ])('reports no gain, bound by %s', (_, after, bound) => {
    const verdict = verdictOn({ savedPerSecond: 2_040, ...after });
    expect(verdict).toMatchObject({ outcome: 'no-gain', bound });
    expect(verdict.text).toMatch(/^x1[.]02, no gain: bound by /);
  });

  it('reports a gain, and what limits it', () => {
    const verdict = verdictOn({ savedPerSecond: 2_800, machineLoad: 0.97 });
    expect(verdict).toMatchObject({ outcome: 'faster', bound: 'cpu', text: 'x1.40, helped; now bound by CPU' });
  });

  it('reports a slowdown', () => {
    expect(verdictOn({ savedPerSecond: 1_500 })).toMatchObject({ outcome: 'slower', factor: 0.75, bound: 'database' });
  });

  it('expects no gain from less capacity, and reports when less capacity is as fast', () => {
    const two = { consumers: 2, inFlightLimit: 2_000, savedPerSecond: 4_000 };
    const toOne = (savedPerSecond: number): string =>
      scalingVerdict({ ...ONE, ...two }, { ...ONE, savedPerSecond }).text;
    expect([toOne(2_000), toOne(3_900)]).toEqual([
      'x0.50, slower, as expected with less capacity',
      'x0.97, as fast as before with less capacity',
    ]);
  });

  it('compares the number of consumers when the limit is automatic', () => {
    const auto = { isAuto: true, inFlightLimit: 9_000 };
    expect(verdictOn({ ...auto, savedPerSecond: 3_900 }, { isAuto: true }).bound).toBeNull();
  });

  it('is unknown when there was too little work before, or no observation before', () => {
    expect(verdictOn({ savedPerSecond: 500 }, { hadWork: false }).outcome).toBe('unknown');
    expect(verdictOn({ savedPerSecond: 500 }, { savedPerSecond: 0 }).outcome).toBe('unknown');
    expect(scalingVerdict(undefined, ONE)).toMatchObject({ outcome: 'unknown', factor: null, bound: null });
  });
});
