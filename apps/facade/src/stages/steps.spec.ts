import { describe, expect, it } from '@jest/globals';
import { snapshotAt, readsAt } from '../testing/snapshots.js';
import type { Capability } from './capability.js';
import { checkChange, type ChangeRequest } from './changes.js';
import { writeRoute, type MigrationSnapshot } from './migration-snapshot.js';
import { abandonChange, beginMove, finishChange, needsAcknowledgement, passBuckets, raiseFence } from './steps.js';

const ORIGIN = { by: 'ada', reason: 'because', now: new Date(1_000), deadline: new Date(11_000) };

function moveFrom(snapshot: MigrationSnapshot, request: Partial<ChangeRequest>) {
  return checkChange(snapshot, { capability: 'writes', stage: 'dualwrite', reason: 'because', ...request });
}

/** The steps and routes that a change of writes passes, with all acknowledgements. */
function passed(snapshot: MigrationSnapshot, request: Partial<ChangeRequest>): string[] {
  const steps: string[] = [];
  let now = beginMove(snapshot, moveFrom(snapshot, request), ORIGIN);
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
  it('pause writes between the stage off and the first fence', () => {
    expect(passed(snapshotAt({}), { percent: 10 })).toEqual([
      'acknowledge paused',
      'buckets fenced',
      'drain fenced',
      'dualwrite 10 2 fenced',
    ]);
  });

  it('drain before writes are off', () => {
    expect(passed(snapshotAt({ writes: ['dualwrite'] }), { stage: 'off' })).toEqual([
      'acknowledge fenced',
      'buckets paused',
      'drain paused',
      'off 100 8 unfenced',
    ]);
  });

  it('need no acknowledgement between percentages of live, nor back from it', () => {
    const live = snapshotAt({ writes: ['live', 50] });
    expect(passed(live, { stage: 'live', percent: 60 })).toEqual(['buckets fenced', 'live 60 8 fenced']);
    expect(passed(live, { stage: 'dualwrite' })).toEqual(['buckets fenced', 'dualwrite 100 8 fenced']);
  });

  it.each<[string, MigrationSnapshot, Partial<ChangeRequest>, boolean]>([
    ['less is copied', snapshotAt({ writes: ['dualwrite'] }), { percent: 50 }, true],
    ['more is copied', snapshotAt({ writes: ['dualwrite', 50] }), { percent: 60 }, false],
    ['the legacy system may begin to lag', snapshotAt({ writes: ['dualwrite'] }), { stage: 'live' }, true],
    ['it stops getting orders', snapshotAt({ writes: ['live'], ...readsAt('complete') }), { stage: 'complete' }, true],
    ['nothing is copied any more', snapshotAt({ writes: ['dualwrite'] }), { stage: 'off' }, true],
    ['copying begins', snapshotAt({}), {}, true],
    ['reads move', snapshotAt({ writes: ['dualwrite'] }), { capability: 'read-by-id', stage: 'shadow' }, false],
  ])('need every acknowledgement, or none, when %s', (_when, snapshot, request, isNeeded) => {
    expect(needsAcknowledgement(snapshot, moveFrom(snapshot, request))).toBe(isNeeded);
  });

  it('drain when more is copied: a verify must find on the legacy system what the new side does not get', () => {
    expect(passed(snapshotAt({ writes: ['dualwrite', 50] }), {})).toEqual([
      'buckets fenced',
      'drain fenced',
      'dualwrite 100 8 fenced',
    ]);
  });

  it('announce that the legacy system may lag before it does, and number blocks begin anew after off', () => {
    const announced = beginMove(
      snapshotAt({ writes: ['dualwrite'] }),
      moveFrom(snapshotAt({ writes: ['dualwrite'] }), { stage: 'live' }),
      ORIGIN,
    );
    expect(announced).toMatchObject({ legacyMayLag: true, fence: { stage: 'dualwrite', period: 1 } });
    const left = beginMove(snapshotAt({}), moveFrom(snapshotAt({}), {}), ORIGIN);
    expect(next(left)).toMatchObject({ fence: { epoch: 3, period: 3 } });
  });

  it('go back to where writes were when a change is abandoned', () => {
    const dual = snapshotAt({ writes: ['dualwrite', 70] });
    const closed = next(beginMove(dual, moveFrom(dual, { stage: 'off', force: true }), ORIGIN));
    expect(abandonChange(closed)).toMatchObject({
      change: null,
      capabilities: { writes: { stage: 'dualwrite', percent: 70, version: 7 } },
      fence: { epoch: 4, stage: 'dualwrite', percent: 70 },
    });
    const leaving = beginMove(snapshotAt({}), moveFrom(snapshotAt({}), {}), ORIGIN);
    expect(writeRoute(abandonChange(leaving))).toBe('unfenced');
  });

  it('keep the cause of an automatic rollback until the next change', () => {
    const live = snapshotAt({ writes: ['dualwrite'], ...readsAt('live') });
    const change = { capability: 'read-by-id' as Capability, stage: 'shadow' };
    const back = beginMove(live, moveFrom(live, change), { ...ORIGIN, cause: 'mismatches: 1' });
    expect(back.capabilities['read-by-id']).toMatchObject({ stage: 'shadow', cause: 'mismatches: 1', version: 8 });
    const again = beginMove(back, moveFrom(back, { ...change, stage: 'live' }), ORIGIN);
    expect(again.capabilities['read-by-id']).not.toHaveProperty('cause');
  });
});
