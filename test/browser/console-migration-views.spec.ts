import { describe, expect, it } from '@jest/globals';
import type { Locator } from 'playwright-core';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-response.js';
import { eventually } from '../support/eventually.js';
import { ScriptedConsole } from './scripted-console.js';
import { CHANGING, HELD, LIVE, SHADOW } from './scripted-migration-states.js';
import { answerMigration, answerOff } from './scripted-migration.js';

describe('the views of the migration', () => {
  const views = ScriptedConsole.forSuite();

  function capability(name: string): Locator {
    return views.page.getByRole('article', { name, exact: true });
  }

  describe('what happens by itself', () => {
    it('is a rollback, whose cause is an alert above everything', async () => {
      await views.open('#migration', answerMigration(LIVE));
      await views.page
        .getByRole('alert')
        .getByText(
          'Reads by page went back to shadow at 100 % automatically at 2026-01-31 12:00:00 UTC. Cause: mismatches: 1',
        )
        .waitFor();
      expect(views.errors).toEqual([]);
    });

    it('is a change in progress, during which no other one can be made', async () => {
      await views.open('#migration', answerMigration(CHANGING));
      await views.page
        .getByText('Writes are moving to live at 25 %: the legacy system must get all open orders')
        .waitFor();
      expect(await capability('Reads by id').getByRole('button', { name: 'Promote' }).isDisabled()).toBe(true);
    });

    it('is a facade that goes away: the last state stays, with its time, and nothing can be changed until it is back', async () => {
      await views.open('#migration', answerMigration(SHADOW));
      await capability('Writes').waitFor();
      views.origin.on('GET /v1/migration', {
        status: 503,
        body: { code: 'service-away', detail: 'The facade does not answer. Try again in a moment.' },
      });
      await views.page
        .getByRole('alert')
        .getByText(/The facade does not answer[^]*What is shown is from 20/)
        .waitFor();
      expect(await capability('Writes').getByRole('button', { name: 'Promote' }).isDisabled()).toBe(true);
      answerMigration(SHADOW)(views.origin);
      await views.page.getByRole('alert').waitFor({ state: 'hidden' });
      expect(await capability('Writes').getByRole('button', { name: 'Promote' }).isDisabled()).toBe(false);
      expect(views.errors).toEqual([]);
    });

    it('is a sign-out, after which nothing is shown', async () => {
      const console = await views.open('#migration', answerMigration(SHADOW));
      await capability('Writes').waitFor();
      views.origin.on('GET /v1/', { status: 401, body: { detail: 'The token has expired.' } });
      await console.part('Sign in').waitFor();
      await console.part('Migration').getByText('Unknown: not signed in.').waitFor();
      expect(await capability('Writes').count()).toBe(0);
    });

    it('is a token without the scope, which is named', async () => {
      await views.open('#migration', (origin) => {
        answerOff(origin);
        origin.on('GET /v1/migration', { status: 403, body: { detail: 'The token lacks the scope ops:migrate.' } });
      });
      await views.page.getByRole('alert').getByText('lacks the scope ops:migrate').waitFor();
      expect(await capability('Writes').count()).toBe(0);
    });
  });

  describe('what was found', () => {
    it('is each mismatch with both values of each field, and both answers', async () => {
      await views.open('#migration', answerMigration(SHADOW));
      const list = views.page.locator('mismatch-list');
      await list.getByText('createdAt, price').click();
      expect(await list.locator('tbody tr').allInnerTexts()).toEqual([
        expect.stringMatching(/createdAt\s+"2026-01-31 17:30:00"\s+"2026-01-31 18:30:00"/),
        expect.stringMatching(/price\s+not-a-plain-decimal\s+187\.35\s+187\.3500/),
      ]);
      expect(await list.locator('mark').allInnerTexts()).toEqual(['7', '8', '00']);
      await list.getByText('Both answers').click();
      await list.getByRole('region', { name: 'Answer of the new side' }).getByText('"price":187.3500').waitFor();
      await list.getByLabel('Capability').selectOption('Writes');
      const filtered = 'GET /v1/migration/mismatches?pageSize=10&capability=writes';
      await eventually('the list is read again', () => Promise.resolve(views.origin.sent(filtered).length === 1));
    });

    it('is each open intent with its age and reason, and what a verify and a backfill have found', async () => {
      await views.open('#migration', answerMigration(SHADOW));
      await views.page
        .getByRole('row', { name: /2\.3 s 100,412 acc-7 stored, answers sent 1 the new side did not answer/ })
        .waitFor();
      const verify = views.page.getByRole('article', { name: 'Verify' });
      await verify.getByText('2 differences').waitFor();
      await verify.getByText('price is 187.35 in the legacy system, 187.36 on the new side').waitFor();
      const backfill = views.page.getByRole('article', { name: 'Backfill' });
      await backfill.getByText('Number 77 (A-77): not-a-uuid of id "A-77"').waitFor();
      expect(await backfill.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('45');
    });
  });

  it.each<[string, MigrationResponse | null]>([
    ['off', null],
    ['shadow with mismatches', SHADOW],
    ['live at 50 %, and a rollback', LIVE],
    ['held', HELD],
    ['changing', CHANGING],
  ])('are accessible and not wider than the window: %s', async (_, state) => {
    const console = await views.open('#migration', state === null ? answerOff : answerMigration(state));
    await capability('Reads by range').waitFor();
    if (state === SHADOW) await views.page.locator('mismatch-list summary').first().click();
    for (const width of [390, 1_180, 1_440]) {
      await console.page.setViewportSize({ width, height: 900 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await console.page.emulateMedia({ colorScheme });
        expect(await console.violations()).toEqual([]);
      }
      expect(await console.overflow()).toBeLessThanOrEqual(0);
    }
    expect(views.errors).toEqual([]);
  });
});
