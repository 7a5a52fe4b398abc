import { describe, expect, it } from '@jest/globals';
import { noticesOf, silentInstances } from './notices.js';
import { migrationOf } from './testing/migration-example.js';

const AT = '2026-01-31T12:00:00.000Z';

describe('what the page says above everything else', () => {
  it('is nothing while nothing is wrong', () => {
    expect(noticesOf(migrationOf())).toEqual([]);
  });

  it('is an automatic rollback with its cause', () => {
    const cause = 'error rate of the new side: 30 of 100 requests failed';
    expect(noticesOf(migrationOf({ 'read-by-id': { stage: 'shadow', since: AT, cause } }))).toEqual([
      {
        tone: 'bad',
        text: `Reads by id went back to shadow at 100 % automatically at 2026-01-31 12:00:00 UTC. Cause: ${cause}. They stay there until you move them.`,
      },
    ]);
  });

  it('is a hold, with who and why', () => {
    const hold = { by: 'ada', reason: 'audit week', since: AT };
    expect(noticesOf(migrationOf({}, { hold }))).toMatchObject([
      { tone: 'warn', text: expect.stringMatching(/Held by ada since 2026-01-31 12:00:00 UTC: audit week\./) },
    ]);
  });

  it('is a change in progress, with what it waits for', () => {
    const change = {
      stage: 'live',
      percent: 25,
      step: 'acknowledge',
      by: 'ada',
      reason: 'next',
      deadline: AT,
    } as const;
    expect(noticesOf(migrationOf({}, { change }))).toMatchObject([
      { tone: 'busy', text: expect.stringMatching(/moving to live at 25 %: every facade instance must acknowledge/) },
    ]);
  });

  it('is an instance that has fallen silent, compared with the others, whatever the clock of this machine says', () => {
    const instances = [
      { name: 'one', revision: 3, refreshedAt: '2026-01-31T12:00:09.000Z' },
      { name: 'two', revision: 3, refreshedAt: AT },
    ];
    expect(silentInstances(instances)).toEqual(['two']);
    expect(silentInstances(instances.slice(1))).toEqual([]);
    expect(noticesOf(migrationOf({}, { instances }))).toMatchObject([
      { tone: 'warn', text: expect.stringContaining('Silent facade instance: two.') },
    ]);
  });
});
