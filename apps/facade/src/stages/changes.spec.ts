import { describe, expect, it } from '@jest/globals';
import { readsAt, snapshotAt } from '../testing/snapshots.js';
import { ChangeRefusal } from './change-refusal.js';
import { checkChange, type ChangeRequest, type Move } from './changes.js';
import type { MigrationSnapshot } from './migration-snapshot.js';

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

  it('goes forward one stage, at any percentage', () => {
    expect(check(OFF, { percent: 10 })).toMatchObject({
      stage: 'dualwrite',
      percent: 10,
      isForward: true,
      needsGate: false,
    });
    expect(check(DUAL, { stage: 'live', percent: 1 })).toMatchObject({ isForward: true, needsGate: true });
    expect(check(DUAL, { capability: 'read-by-id', stage: 'shadow' })).toMatchObject({ needsGate: false });
  });

  it('needs the gate for a higher percentage of live, not for a lower one', () => {
    const half = snapshotAt({ writes: ['live', 50] });
    expect(check(half, { stage: 'live', percent: 60 })).toMatchObject({ isForward: true, needsGate: true });
    expect(check(half, { stage: 'live', percent: 40 })).toMatchObject({ isForward: false, needsGate: false });
  });

  it('takes reads back first, by force', () => {
    const snapshot = snapshotAt({ writes: ['dualwrite'], 'read-by-id': ['live'], 'read-by-page': ['shadow'] });
    expect(check(snapshot, { stage: 'off', force: true })).toMatchObject({
      readsBefore: [
        { capability: 'read-by-id', stage: 'off' },
        { capability: 'read-by-page', stage: 'off' },
      ],
    });
    expect(check(snapshot, { percent: 50, force: true })).toMatchObject({
      readsBefore: [{ capability: 'read-by-id', stage: 'shadow' }],
    });
  });

  it('leaves reads alone when writes go back from live: both sides still get all orders', () => {
    expect(check(LIVE, { stage: 'dualwrite' })).toMatchObject({ isForward: false, readsBefore: [] });
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
