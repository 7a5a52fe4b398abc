import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readsAt, snapshotAt } from '../testing/memory-stores.js';
import {
  ChangeRefusal,
  checkChange,
  type ChangeRequest,
  type Move,
  abandonChange,
  beginMove,
  finishChange,
  needsAcknowledgement,
  passBuckets,
  raiseFence,
} from './change-rules.js';
import {
  type MigrationSnapshot,
  writeRoute,
  type Capability,
  byCapability,
  BUCKETS,
  bucketOf,
  isWithin,
} from './stages.js';
import {
  NO_FIGURES,
  type Figures,
  evaluateGate,
  unforcedConditions,
  type GateFacts,
  type GateLimits,
  decideRollbacks,
  type Observed,
} from './gate.js';

function check(snapshot: MigrationSnapshot, request: Partial<ChangeRequest>): Move | string {
  try {
    return checkChange(snapshot, { capability: 'writes', stage: 'dualwrite', reason: 'because', ...request });
  } catch (error) {
    if (error instanceof ChangeRefusal) return error.code;
    throw error;
  }
}

const OFF = snapshotAt({});
const DUAL = snapshotAt({ writes: ['dualwrite'] });
const LIVE = snapshotAt({ writes: ['live'], ...readsAt('live') });
const HALF = snapshotAt({ writes: ['live', 50] });
const READING = snapshotAt({ writes: ['dualwrite'], 'read-by-id': ['live'], 'read-by-page': ['shadow'] });
const COMPLETE = snapshotAt({ writes: ['complete'], ...readsAt('complete') });

describe('changes', () => {
  it.each<[string, MigrationSnapshot, Partial<ChangeRequest>]>([
    ['unknown-capability', OFF, { capability: 'deletes' }],
    ['unknown-stage', OFF, { stage: 'shadow' }],
    ['unknown-stage', OFF, { capability: 'read-by-id', stage: 'dualwrite' }],
    ['bad-percent', OFF, { percent: 101 }],
    ['bad-percent', OFF, { percent: 0 }],
    ['bad-percent', OFF, { percent: 12.5 }],
    ['bad-percent', OFF, { percent: Number.NaN }],
    ['missing-reason', OFF, { reason: '  ' }],
    ['missing-reason', OFF, { reason: 'x'.repeat(501) }],
    ['version-conflict', OFF, { version: 2 }],
    ['unchanged', OFF, { stage: 'off' }],
    ['unchanged', DUAL, {}],
    ['skipped-stage', OFF, { stage: 'live' }],
    ['skipped-stage', OFF, { stage: 'complete' }],
    ['skipped-stage', LIVE, { stage: 'off' }],
    ['skipped-stage', snapshotAt({ writes: ['dualwrite', 50] }), { stage: 'live' }],
    ['skipped-stage', LIVE, { stage: 'dualwrite', percent: 50 }],
    ['writes-first', OFF, { capability: 'read-by-id', stage: 'shadow' }],
    [
      'writes-first',
      snapshotAt({ writes: ['dualwrite', 50], ...readsAt('shadow') }),
      { capability: 'read-by-id', stage: 'live' },
    ],
    ['reads-first', snapshotAt({ writes: ['dualwrite'], ...readsAt('shadow') }), { stage: 'off' }],
    ['reads-first', snapshotAt({ writes: ['dualwrite'], ...readsAt('live') }), { percent: 50 }],
    ['reads-first', LIVE, { stage: 'complete' }],
    ['reads-first', snapshotAt({ writes: ['live'], ...readsAt('complete', 99) }), { stage: 'complete' }],
    ['irreversible', COMPLETE, { stage: 'live' }],
    ['irreversible', COMPLETE, { stage: 'complete', percent: 50 }],
    ['irreversible', COMPLETE, { capability: 'read-by-page', stage: 'live', force: true }],
    ['held', { ...OFF, hold: { by: 'ada', reason: 'pause', since: new Date(0) } }, { force: true }],
    ['change-in-progress', { ...OFF, change: pendingChange() }, { stage: 'dualwrite', force: true }],
  ])('%s', (code, snapshot, request) => {
    expect(check(snapshot, request)).toBe(code);
  });

  it.each<[string, MigrationSnapshot, Partial<ChangeRequest>, Partial<Move>]>([
    ['forward one stage', OFF, { percent: 10 }, { stage: 'dualwrite', percent: 10, isForward: true, needsGate: false }],
    ['forward to live', DUAL, { stage: 'live', percent: 1 }, { isForward: true, needsGate: true }],
    ['forward to shadow', DUAL, { capability: 'read-by-id', stage: 'shadow' }, { needsGate: false }],
    ['to more of live', HALF, { stage: 'live', percent: 60 }, { isForward: true, needsGate: true }],
    ['to less of live', HALF, { stage: 'live', percent: 40 }, { isForward: false, needsGate: false }],
    // Both sides still get all orders.
    ['back from live, and leaves reads alone', LIVE, { stage: 'dualwrite' }, { isForward: false, readsBefore: [] }],
    [
      'back to off after all reads, by force',
      READING,
      { stage: 'off', force: true },
      {
        readsBefore: [
          { capability: 'read-by-id', stage: 'off' },
          { capability: 'read-by-page', stage: 'off' },
        ],
      },
    ],
    [
      'to less of dualwrite after the reads that are live, by force',
      READING,
      { percent: 50, force: true },
      { readsBefore: [{ capability: 'read-by-id', stage: 'shadow' }] },
    ],
  ])('go %s', (_where, snapshot, request, move) => {
    expect(check(snapshot, request)).toMatchObject(move);
  });
});

function pendingChange(): NonNullable<MigrationSnapshot['change']> {
  return {
    step: 'acknowledge',
    stage: 'dualwrite',
    percent: 100,
    announced: 2,
    deadline: new Date(10_000),
    by: 'ada',
    reason: 'begin',
  };
}

const ORIGIN = { by: 'ada', reason: 'because', now: new Date(1_000), deadline: new Date(11_000) };

function moveFrom(snapshot: MigrationSnapshot, request: Partial<ChangeRequest>) {
  return checkChange(snapshot, { capability: 'writes', stage: 'dualwrite', reason: 'because', ...request });
}

/** Begins a change of writes. */
function begun(snapshot: MigrationSnapshot, request: Partial<ChangeRequest> = {}, cause?: string): MigrationSnapshot {
  return beginMove(snapshot, moveFrom(snapshot, request), { ...ORIGIN, ...(cause !== undefined && { cause }) });
}

/** The steps and routes that a change of writes passes, with all acknowledgements. */
function passed(snapshot: MigrationSnapshot, request: Partial<ChangeRequest>): string[] {
  const steps: string[] = [];
  let now = begun(snapshot, request);
  for (; now.change !== null; now = next(now)) steps.push(`${now.change.step} ${writeRoute(now)}`);
  const { stage, percent, version } = now.capabilities.writes;
  return [...steps, `${stage} ${percent} ${version} ${writeRoute(now)}`];
}

function next(snapshot: MigrationSnapshot): MigrationSnapshot {
  const { change } = snapshot;
  if (change === null) throw new Error('no change');
  if (change.step === 'acknowledge') return raiseFence(snapshot, change);
  if (change.step === 'buckets') return passBuckets(snapshot, change, ORIGIN.now);
  return finishChange(snapshot, change, ORIGIN.now);
}

describe('the steps of a change', () => {
  it.each<[string, MigrationSnapshot, Partial<ChangeRequest>, string[]]>([
    [
      'pause writes between the stage off and the first fence',
      OFF,
      { percent: 10 },
      ['acknowledge paused', 'buckets fenced', 'drain fenced', 'dualwrite 10 2 fenced'],
    ],
    [
      'drain before writes are off',
      DUAL,
      { stage: 'off' },
      ['acknowledge fenced', 'buckets paused', 'drain paused', 'off 100 8 unfenced'],
    ],
    [
      'need no acknowledgement between percentages of live',
      snapshotAt({ writes: ['live', 50] }),
      { stage: 'live', percent: 60 },
      ['buckets fenced', 'live 60 8 fenced'],
    ],
    [
      'need no acknowledgement back from live',
      snapshotAt({ writes: ['live', 50] }),
      { stage: 'dualwrite' },
      ['buckets fenced', 'dualwrite 100 8 fenced'],
    ],
    [
      'drain when more is copied: a verify must find on the legacy system what the target does not get',
      snapshotAt({ writes: ['dualwrite', 50] }),
      {},
      ['buckets fenced', 'drain fenced', 'dualwrite 100 8 fenced'],
    ],
  ])('%s', (_what, snapshot, request, steps) => {
    expect(passed(snapshot, request)).toEqual(steps);
  });

  it.each<[string, MigrationSnapshot, Partial<ChangeRequest>, boolean]>([
    ['less is copied', DUAL, { percent: 50 }, true],
    ['more is copied', snapshotAt({ writes: ['dualwrite', 50] }), { percent: 60 }, false],
    ['the legacy system may begin to lag', DUAL, { stage: 'live' }, true],
    ['it stops getting orders', snapshotAt({ writes: ['live'], ...readsAt('complete') }), { stage: 'complete' }, true],
    ['nothing is copied any more', DUAL, { stage: 'off' }, true],
    ['copying begins', OFF, {}, true],
    ['reads move', DUAL, { capability: 'read-by-id', stage: 'shadow' }, false],
  ])('need every acknowledgement, or none, when %s', (_when, snapshot, request, isNeeded) => {
    expect(needsAcknowledgement(snapshot, moveFrom(snapshot, request))).toBe(isNeeded);
  });

  it('announce that the legacy system may lag before it does, and number blocks begin anew after off', () => {
    const announced = begun(DUAL, { stage: 'live' });
    expect(announced).toMatchObject({ legacyMayLag: true, fence: { stage: 'dualwrite', period: 1 } });
    expect(next(begun(OFF))).toMatchObject({ fence: { epoch: 3, period: 3 } });
  });

  it('go back to where writes were when a change is abandoned', () => {
    const closed = next(begun(snapshotAt({ writes: ['dualwrite', 70] }), { stage: 'off', force: true }));
    expect(abandonChange(closed)).toMatchObject({
      change: null,
      capabilities: { writes: { stage: 'dualwrite', percent: 70, version: 7 } },
      fence: { epoch: 4, stage: 'dualwrite', percent: 70 },
    });
    expect(writeRoute(abandonChange(begun(OFF)))).toBe('unfenced');
  });

  it('keep the cause of an automatic rollback until the next change', () => {
    const live = snapshotAt({ writes: ['dualwrite'], ...readsAt('live') });
    const change = { capability: 'read-by-id' as Capability, stage: 'shadow' };
    const back = begun(live, change, 'mismatches: 1');
    expect(back.capabilities['read-by-id']).toMatchObject({ stage: 'shadow', cause: 'mismatches: 1', version: 8 });
    const again = begun(back, { ...change, stage: 'live' });
    expect(again.capabilities['read-by-id']).not.toHaveProperty('cause');
  });
});

const GATE_LIMITS: GateLimits = {
  GATE_MIN_SAMPLES: 1_000,
  GATE_MAX_MISMATCHES: 0,
  GATE_MAX_ERROR_RATE: 0.001,
  GATE_P99_FACTOR: 1.5,
  GATE_P99_FLOOR_MS: 50,
  INTENT_MAX_AGE_MS: 10_000,
};
const FACTS: GateFacts = {
  figures: {
    ...NO_FIGURES,
    samples: 1_000,
    requests: { legacy: 1_000, new: 1_000 },
    failures: { legacy: 500, new: 1 },
    p99Ms: { legacy: 100, new: 150 },
  },
  intents: { count: 3, oldestMs: 10_000 },
  lastVerify: { startedAt: new Date(2_000), differences: 0 },
  copyingSince: new Date(2_000),
};

function unmet(change: Partial<GateFacts>): string[] {
  const gate = evaluateGate('read-by-id', 'live', GATE_LIMITS, { ...FACTS, ...change });
  return gate.filter(({ holds }) => !holds).map(({ condition }) => condition);
}

describe('gate', () => {
  it('is met exactly at its limits', () => {
    expect(unmet({})).toEqual([]);
  });

  it.each<[string, Partial<GateFacts>]>([
    ['samples', { figures: { ...FACTS.figures, samples: 999 } }],
    ['mismatches', { figures: { ...FACTS.figures, mismatches: 1 } }],
    ['error-rate', { figures: { ...FACTS.figures, failures: { legacy: 0, new: 2 } } }],
    ['p99', { figures: { ...FACTS.figures, p99Ms: { legacy: 100, new: 151 } } }],
    ['p99', { figures: { ...FACTS.figures, p99Ms: { legacy: 10, new: 51 } } }],
    ['oldest-intent', { intents: { count: 1, oldestMs: 10_001 } }],
    ['verify', { lastVerify: null }],
    ['verify', { lastVerify: { startedAt: new Date(2_000), differences: 1 } }],
    ['verify', { lastVerify: { startedAt: new Date(1_999), differences: 0 } }],
  ])('is not met by its condition %s', (condition, change) => {
    expect(unmet(change)).toEqual([condition]);
  });

  it('names every condition with what it requires and what was found', () => {
    const gate = evaluateGate('read-by-id', 'live', GATE_LIMITS, { ...FACTS, figures: NO_FIGURES, lastVerify: null });
    expect(gate.map(({ condition, found }) => [condition, found])).toEqual([
      ['samples', '0'],
      ['mismatches', '0'],
      ['error-rate', '0 %'],
      ['p99', 'no request'],
      ['oldest-intent', '10000 ms'],
      ['verify', 'no verify'],
    ]);
  });

  it('has conditions of the last step of writes that no force overrides', () => {
    const gate = evaluateGate('writes', 'complete', GATE_LIMITS, { ...FACTS, lastVerify: null });
    const unforced = unforcedConditions('writes', 'complete', gate);
    expect(unforced.map(({ condition, holds }) => [condition, holds])).toEqual([
      ['verify', false],
      ['open-intents', false],
    ]);
    expect(unforcedConditions('writes', 'live', gate)).toEqual([]);
  });
});

const ROLLBACK_LIMITS = { ROLLBACK_MAX_ERROR_RATE: 0.05, ROLLBACK_MIN_REQUESTS: 20, ROLLBACK_MAX_MISMATCHES: 0 };
const FAILING: Figures = { ...NO_FIGURES, requests: { legacy: 100, new: 100 }, failures: { legacy: 0, new: 6 } };

function decide(
  snapshot: MigrationSnapshot,
  lately: Figures,
  { isLegacyUnavailable = false, mismatches = 0 } = {},
): string[] {
  const each: Observed = { sinceChange: { ...NO_FIGURES, mismatches }, lately };
  const observed = byCapability(() => each);
  return decideRollbacks(snapshot, observed, ROLLBACK_LIMITS, isLegacyUnavailable).map((decision) =>
    decision.decision === 'alert' ? `${decision.capability} alert` : `${decision.capability} to ${decision.stage}`,
  );
}

describe('automatic rollback', () => {
  it('goes one stage back when the target fails too often', () => {
    expect(decide(LIVE, FAILING)).toEqual([
      'writes to dualwrite',
      'read-by-id to shadow',
      'read-by-page to shadow',
      'read-by-range to shadow',
    ]);
    expect(decide(snapshotAt({ writes: ['live'], 'read-by-id': ['complete'] }), FAILING)).toContain(
      'read-by-id to live',
    );
  });

  it('goes back at the first mismatch above the limit', () => {
    expect(decide(LIVE, NO_FIGURES, { mismatches: 1 })).toHaveLength(4);
    expect(decide(LIVE, NO_FIGURES)).toEqual([]);
  });

  it('does nothing at the limit, or with too few requests', () => {
    expect(decide(LIVE, { ...FAILING, failures: { legacy: 0, new: 5 } })).toEqual([]);
    expect(decide(LIVE, { ...FAILING, requests: { legacy: 0, new: 19 }, failures: { legacy: 0, new: 19 } })).toEqual(
      [],
    );
  });

  it('does nothing where the legacy system answers: the target fails no client there', () => {
    expect(decide(snapshotAt({ writes: ['dualwrite'], ...readsAt('shadow') }), FAILING, { mismatches: 9 })).toEqual([]);
  });

  it('does not count failures of the legacy system', () => {
    expect(decide(LIVE, { ...FAILING, failures: { legacy: 100, new: 0 } })).toEqual([]);
  });

  it('alerts instead of going back to a legacy system that is unavailable, or that misses orders', () => {
    const alerts = ['writes alert', 'read-by-id alert', 'read-by-page alert', 'read-by-range alert'];
    expect(decide(LIVE, FAILING, { isLegacyUnavailable: true })).toEqual(alerts);
    expect(decide(snapshotAt({ writes: ['complete'], ...readsAt('complete') }), FAILING)).toEqual(alerts);
  });
});

describe('buckets', () => {
  it('are the same for ever: another hash would move accounts in the middle of a migration', () => {
    expect(['acc-0000001', 'acc-0000002', '', 'ключ'].map(bucketOf)).toEqual([392, 461, 66, 562]);
  });

  it('get about the same number of accounts each', () => {
    const counts = new Uint32Array(BUCKETS);
    for (let account = 0; account < 100 * BUCKETS; account += 1) {
      const bucket = bucketOf(`acc-${account}`);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(50);
    expect(Math.max(...counts)).toBeLessThan(160);
  });

  it('are all within 100 %, and a higher percentage only adds', () => {
    fc.assert(
      fc.property(fc.nat(BUCKETS - 1), fc.integer({ min: 1, max: 99 }), (bucket, percent) => {
        expect(isWithin(bucket, 100)).toBe(true);
        expect(isWithin(bucket, percent) && !isWithin(bucket, percent + 1)).toBe(false);
      }),
    );
  });

  it.each([
    [1, 11],
    [50, 512],
    [99, 1_014],
  ])('at %d %%, %d of them move', (percent, count) => {
    const all = Array.from({ length: BUCKETS }, (_, bucket) => bucket);
    expect(all.filter((bucket) => isWithin(bucket, percent))).toHaveLength(count);
  });
});
