import { describe, expect, it } from '@jest/globals';
import {
  neighbourOf,
  stagesOf,
  stateText,
  meaningOf,
  movesOf,
  needsGate,
  overridable,
  suggestedPercent,
  titleOf,
  type Capability,
  type Stage,
  type Move,
} from './capability.js';
import type { CapabilityState, GateCondition, Migration } from '#api/facade.js';
import { noticesOf, silentInstances, type Notice } from './migration-page.js';
import { migrationOf } from './testing/migration-example.js';

const AT = '2026-01-31T12:00:00.000Z';

function at(stage: Stage, percent = 100): Partial<CapabilityState> {
  return { stage, percent };
}

function moveOf(capability: Capability, kind: Move['kind'], migration: Migration): Move {
  const move = movesOf(capability, migration).find((each) => each.kind === kind);
  if (move === undefined) throw new Error(`${capability} has no ${kind}`);
  return move;
}

function unmet(condition: string): GateCondition {
  return { condition, wanted: '', found: '', holds: false };
}

describe('the stages of a capability', () => {
  it('are those of writes or of reads, in their order', () => {
    expect(stagesOf('writes')).toEqual(['off', 'dualwrite', 'live', 'complete']);
    expect(stagesOf('read-by-page')).toEqual(['off', 'shadow', 'live', 'complete']);
  });

  it('have neighbours, but none before the first and after the last', () => {
    expect([neighbourOf('read-by-id', 'shadow', 1), neighbourOf('read-by-id', 'shadow', -1)]).toEqual(['live', 'off']);
    expect([neighbourOf('writes', 'complete', 1), neighbourOf('writes', 'off', -1)]).toEqual([undefined, undefined]);
  });

  it('are named with their percentage', () => {
    expect([stateText({ stage: 'live', percent: 25 }), stateText({ stage: 'off', percent: 100 })]).toEqual([
      'live at 25 %',
      'off',
    ]);
  });
});

describe('the changes that a page offers', () => {
  it.each<[string, Capability, Stage, number, string[]]>([
    ['one stage forward', 'writes', 'off', 100, ['Promote writes to dualwrite, 100 %']],
    [
      'few keys when the target begins to answer, other percentages, and one stage back',
      'read-by-id',
      'shadow',
      100,
      [
        'Promote reads by id to live, 10 %',
        'Change the percentage of reads by id at shadow, 50 %',
        'Roll back reads by id to off, 100 %',
      ],
    ],
    [
      'not the next stage before 100 %',
      'read-by-id',
      'live',
      25,
      ['Change the percentage of reads by id at live, 100 %', 'Roll back reads by id to shadow, 100 %'],
    ],
    ['nothing once writes are complete', 'writes', 'complete', 100, []],
    [
      'only a percentage while they become complete',
      'writes',
      'complete',
      20,
      ['Change the percentage of writes at complete, 100 %'],
    ],
  ])('are %s: %s at %s with %d %%', (_, capability, stage, percent, moves) => {
    const offered = movesOf(capability, migrationOf({ [capability]: at(stage, percent) }));
    expect(offered.map((move) => `${titleOf(move)}, ${suggestedPercent(move)} %`)).toEqual(moves);
  });

  it('are none of reads once writes are complete', () => {
    const complete = migrationOf({ writes: at('complete'), 'read-by-id': at('complete') });
    expect(movesOf('read-by-id', complete)).toEqual([]);
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

  it('can override unmet conditions, but not the last verify and the open intents of the last step', () => {
    const [samples, verify] = [unmet('samples'), unmet('verify')];
    const live = migrationOf({ writes: at('live'), 'read-by-id': at('shadow') });
    expect(overridable(moveOf('read-by-id', 'promote', live), [samples, verify])).toEqual([samples, verify]);
    expect(overridable(moveOf('writes', 'promote', live), [samples, verify])).toEqual([]);
    expect(overridable(moveOf('writes', 'promote', live), [samples])).toEqual([samples]);
  });
});

describe('what a change means', () => {
  it('names the share, the side that answers, and what is counted anew', () => {
    const shadow = migrationOf({ 'read-by-id': at('shadow') });
    const [meaning, counted] = meaningOf(moveOf('read-by-id', 'promote', shadow), 25);
    expect(meaning).toMatch(/^The target answers 25 % of these reads/);
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

describe('what the page says above everything else', () => {
  const cause = 'error rate of the target: 30 of 100 requests failed';
  const change = { stage: 'live', percent: 25, step: 'acknowledge', by: 'ada', reason: 'next', deadline: AT } as const;
  const instances = [
    { name: 'one', revision: 3, refreshedAt: '2026-01-31T12:00:09.000Z' },
    { name: 'two', revision: 3, refreshedAt: AT },
  ];

  it.each<[string, Migration, Notice['tone'], RegExp]>([
    [
      'an automatic rollback with its cause',
      migrationOf({ 'read-by-id': { stage: 'shadow', since: AT, cause } }),
      'bad',
      /^Reads by id went back to shadow at 100 % automatically at 2026-01-31 12:00:00 UTC\. Cause: error rate of the target: 30 of 100 requests failed\. They stay there until you move them\.$/,
    ],
    [
      'a hold, with who and why',
      migrationOf({}, { hold: { by: 'ada', reason: 'audit week', since: AT } }),
      'warn',
      /Held by ada since 2026-01-31 12:00:00 UTC: audit week\./,
    ],
    [
      'a change in progress, with what it waits for',
      migrationOf({}, { change }),
      'busy',
      /moving to live at 25 %: every facade instance must acknowledge/,
    ],
    ['a silent instance', migrationOf({}, { instances }), 'warn', /Silent facade instance: two\./],
  ])('is %s', (_, migration, tone, text) => {
    expect(noticesOf(migration)).toEqual([{ tone, text: expect.stringMatching(text) }]);
  });

  it('is nothing while nothing is wrong', () => {
    expect(noticesOf(migrationOf())).toEqual([]);
  });

  it('compares an instance with the others, whatever the clock of this machine says', () => {
    expect(silentInstances(instances)).toEqual(['two']);
    expect(silentInstances(instances.slice(1))).toEqual([]);
  });
});
