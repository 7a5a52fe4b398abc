import { describe, expect, it } from '@jest/globals';
import type { CapabilityState, GateCondition, Migration } from './facade-api.js';
import type { Capability, Stage } from './capability.js';
import { meaningOf } from './move-meaning.js';
import { movesOf, needsGate, overrulable, suggestedPercent, titleOf, type Move } from './move.js';
import { migrationOf } from './testing/migration-example.js';

function at(stage: Stage, percent = 100): Partial<CapabilityState> {
  return { stage, percent };
}

function moves(capability: Capability, migration: Migration): string[] {
  return movesOf(capability, migration).map((move) => `${titleOf(move)}, ${suggestedPercent(move)} %`);
}

function moveOf(capability: Capability, kind: Move['kind'], migration: Migration): Move {
  const move = movesOf(capability, migration).find((each) => each.kind === kind);
  if (move === undefined) throw new Error(`${capability} has no ${kind}`);
  return move;
}

function condition(name: string, holds: boolean): GateCondition {
  return { condition: name, wanted: '', found: '', holds };
}

describe('the changes that a page offers', () => {
  it('are one stage forward or back, and other percentages, with few keys when the new side begins to answer', () => {
    expect(moves('writes', migrationOf())).toEqual(['Promote writes to dualwrite, 100 %']);
    expect(moves('read-by-id', migrationOf({ 'read-by-id': at('shadow') }))).toEqual([
      'Promote reads by id to live, 10 %',
      'Change the percentage of reads by id at shadow, 50 %',
      'Roll back reads by id to off, 100 %',
    ]);
  });

  it('do not leave a stage forward before it is at 100 %', () => {
    expect(moves('read-by-id', migrationOf({ 'read-by-id': at('live', 25) }))).toEqual([
      'Change the percentage of reads by id at live, 100 %',
      'Roll back reads by id to shadow, 100 %',
    ]);
  });

  it('end when writes are complete', () => {
    const complete = migrationOf({ writes: at('complete'), 'read-by-id': at('complete') });
    expect([moves('writes', complete), moves('read-by-id', complete)]).toEqual([[], []]);
    expect(moves('writes', migrationOf({ writes: at('complete', 20) }))).toEqual([
      'Change the percentage of writes at complete, 100 %',
    ]);
  });

  it.each<[Stage, number, Move['kind'], number, boolean]>([
    ['off', 100, 'promote', 100, false],
    ['shadow', 100, 'promote', 10, true],
    ['live', 25, 'percentage', 50, true],
    ['live', 25, 'percentage', 10, false],
    ['live', 25, 'rollback', 100, false],
    ['live', 100, 'promote', 100, true],
  ])('from %s at %d %%, by %s to %d %%: whether the gate is asked', (stage, percent, kind, to, isAsked) => {
    const migration = migrationOf({ 'read-by-id': at(stage, percent) });
    expect(needsGate(moveOf('read-by-id', kind, migration), to)).toBe(isAsked);
  });

  it('can overrule what does not hold, but not the last verify and the open intents of the last step', () => {
    const unmet = [condition('samples', false), condition('verify', false)];
    const live = migrationOf({ writes: at('live'), 'read-by-id': at('shadow') });
    expect(overrulable(moveOf('read-by-id', 'promote', live), unmet)).toEqual(unmet);
    expect(overrulable(moveOf('writes', 'promote', live), unmet)).toEqual([]);
    expect(overrulable(moveOf('writes', 'promote', live), unmet.slice(0, 1))).toEqual(unmet.slice(0, 1));
  });
});

describe('what a change means', () => {
  it('names the share, the side that answers, and what is counted anew', () => {
    const shadow = migrationOf({ 'read-by-id': at('shadow') });
    const [meaning, counted] = meaningOf(moveOf('read-by-id', 'promote', shadow), 25);
    expect(meaning).toMatch(/^The new side answers 25 % of these reads/);
    expect(counted).toMatch(/counted anew/);
    expect(meaningOf(moveOf('read-by-id', 'percentage', shadow), 100)[0]).toContain('all of these reads');
  });

  it('says that nothing takes the last step of writes back', () => {
    const move = moveOf('writes', 'promote', migrationOf({ writes: at('live') }));
    expect(meaningOf(move, 100).join(' ')).toMatch(/no more orders of all of the accounts\. This is final/);
  });

  it.each<[Capability, Stage]>([
    ['writes', 'dualwrite'],
    ['writes', 'live'],
    ['read-by-page', 'shadow'],
    ['read-by-page', 'live'],
    ['read-by-page', 'complete'],
  ])('is known for every change of %s at %s', (capability, stage) => {
    for (const move of movesOf(capability, migrationOf({ [capability]: at(stage) })))
      expect(meaningOf(move, 50)[0]).toMatch(/\w+\.$/);
  });
});
