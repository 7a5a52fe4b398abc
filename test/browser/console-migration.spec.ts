import { describe, expect, it } from '@jest/globals';
import type { Locator } from 'playwright-core';
import { migrationOf } from '../../apps/console/page/migration/testing/migration-example.js';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-response.js';
import { eventually } from '../support/eventually.js';
import { answerBusy } from './scripted-answers.js';
import { ScriptedConsole } from './scripted-console.js';
import { answerMigration, answerOff, GATE, LIVE, SHADOW } from './scripted-migration.js';
import { NOW } from './scripted-states.js';

const HELD = migrationOf(
  { writes: { stage: 'dualwrite', percent: 30, version: 2 } },
  { hold: { by: 'ada', reason: 'audit week', since: NOW }, revision: 8 },
);
const CHANGING = migrationOf(
  { writes: { stage: 'dualwrite', version: 2 } },
  { change: { stage: 'live', percent: 25, step: 'drain', by: 'ada', reason: 'next', deadline: NOW }, revision: 8 },
);
const LAST = migrationOf({ writes: { stage: 'live', version: 5, gate: GATE } }, { revision: 8 });

describe('the migration of the console', () => {
  const views = ScriptedConsole.forSuite();

  function capability(name: string): Locator {
    return views.page.getByRole('article', { name, exact: true });
  }

  async function hasSent(route: string, count = 1): Promise<void> {
    await eventually(`${route} is sent`, 5_000, () => Promise.resolve(views.origin.sent(route).length === count));
  }

  /** Lets the facade be in another state. */
  function serve(state: MigrationResponse): void {
    answerMigration(state)(views.origin);
  }

  /** Fills the reason of the open dialog and presses a button of it. */
  async function decide(reason: string, button: string): Promise<void> {
    await views.dialog.getByLabel('Reason').fill(reason);
    await views.dialog.getByRole('button', { name: button }).click();
  }

  describe('its address', () => {
    it('is linked only from a console that knows a facade, and says otherwise how to get one', async () => {
      const console = await views.open('#migration', answerBusy);
      await console.part('Migration').getByText('npm start -- --legacy').waitFor();
      expect(await console.page.getByRole('navigation').getByRole('link', { name: 'Migration' }).count()).toBe(0);
      expect(views.errors).toEqual([]);
    }, 30_000);

    it('shows the migration alone, and the other sections as they were when it is left', async () => {
      const console = await views.open('', answerOff);
      await console.part('Populate').getByLabel('Seed').fill('17');
      await console.page.getByRole('navigation').getByRole('link', { name: 'Migration' }).click();
      await capability('Writes').waitFor();
      await views.hasFocus('h2', 'Migration');
      expect(await console.part('Populate').isVisible()).toBe(false);
      await console.page.goBack();
      await console.part('Populate').waitFor();
      expect(await console.part('Populate').getByLabel('Seed').inputValue()).toBe('17');
      expect(await capability('Writes').count()).toBe(0);
    }, 30_000);
  });

  describe('a stage', () => {
    it('is changed with a reason, a percentage and the version that was seen, and the answer is shown', async () => {
      const console = await views.open('#migration', answerOff);
      const moved = migrationOf({ writes: { stage: 'dualwrite', percent: 30, version: 2 } }, { revision: 3 });
      views.origin.on('POST /v1/migration/writes', () => {
        serve(moved);
        return { body: moved };
      });
      await capability('Writes').getByRole('button', { name: 'Promote… writes' }).click();
      await views.hasFocus('input[name=reason]');
      await views.dialog.getByText('New orders of all of the accounts are written to the new side too').waitFor();
      await views.dialog.getByLabel('Percentage').fill('30');
      await views.dialog.getByText('New orders of 30 % of the accounts').waitFor();
      await views.dialog.getByRole('button', { name: 'Move to dualwrite at 30 %' }).click();
      await views.dialog.getByText('Reason is missing.').waitFor();
      await views.hasFocus('input[name=reason]');
      expect(views.origin.sent('POST')).toEqual([]);
      await decide(' first accounts ', 'Move to dualwrite at 30 %');
      await views.dialog.waitFor({ state: 'hidden' });
      await capability('Writes').getByText('dualwrite at 30 %').waitFor();
      expect(views.origin.sent('POST').map(({ path, body }) => [path, body])).toEqual([
        ['/v1/migration/writes', { stage: 'dualwrite', percent: 30, reason: 'first accounts', version: 1 }],
      ]);
      expect(await console.violations()).toEqual([]);
    }, 30_000);

    it('goes back whole', async () => {
      await views.open('#migration', answerMigration(LIVE));
      await capability('Reads by id').getByText('The other 50 % of the keys are still at shadow.').waitFor();
      await capability('Reads by id').getByRole('button', { name: 'Roll back' }).click();
      views.origin.on('POST /v1/migration/read-by-id', { body: { ...LIVE, revision: 10 } });
      await decide('wrong totals', 'Roll back to shadow');
      await hasSent('POST /v1/migration/read-by-id');
      expect(views.origin.sent('POST')[0]?.body).toEqual({ stage: 'shadow', reason: 'wrong totals', version: 4 });
    }, 30_000);

    it('is refused by the gate with each condition that does not hold, and forced only by a choice that names them', async () => {
      const console = await views.open('#migration', answerMigration(LIVE));
      await capability('Reads by id').getByRole('button', { name: 'Change percentage' }).click();
      expect(await views.dialog.getByRole('checkbox').count()).toBe(0);
      const state = {
        ...LIVE,
        revision: 10,
        capabilities: { ...LIVE.capabilities, 'read-by-id': SHADOW.capabilities['read-by-id'] },
      };
      views.origin.on('POST /v1/migration/read-by-id', {
        status: 409,
        body: {
          code: 'gate-not-met',
          detail: 'samples, verify of the gate to live not met: see gate',
          gate: GATE,
          state,
        },
      });
      serve(state);
      await decide('more', 'Move to live at 100 %');
      await views.dialog.getByRole('alert').getByText('samples, verify of the gate to live not met').waitFor();
      const unmet = views.dialog.getByRole('list', { name: 'Conditions that do not hold' }).getByRole('listitem');
      expect(await unmet.allInnerTexts()).toEqual([
        expect.stringMatching(/not met\s+samples: wanted at least 1000 since the last change; found 412/),
        expect.stringMatching(/mismatches: wanted at most 0; found 2/),
        expect.stringMatching(/verify: [^]*found no verify/),
      ]);
      // The state of the answer is shown behind the dialog.
      await capability('Reads by id').getByText('shadow at 100 %').waitFor();
      expect(await console.violations()).toEqual([]);
      await views.dialog.getByLabel('Overrule what does not hold: samples, mismatches, verify').check();
      await views.dialog.getByRole('button', { name: 'Move to live at 100 %' }).click();
      await hasSent('POST /v1/migration/read-by-id', 2);
      expect(views.origin.sent('POST').map(({ body }) => (body as { force?: true }).force)).toEqual([undefined, true]);
    }, 30_000);

    it('can be the last one of writes, which is final, and whose verify nothing overrules', async () => {
      await views.open('#migration', answerMigration(LAST));
      await capability('Writes').getByRole('button', { name: 'Promote' }).click();
      await views.hasFocus('button', 'Keep live at 100 %');
      await views.dialog.getByText('This is final').waitFor();
      await views.dialog.getByText('Nothing overrules these conditions').waitFor();
      expect(await views.dialog.getByRole('checkbox').count()).toBe(0);
      await views.page.keyboard.press('Enter');
      await views.dialog.waitFor({ state: 'hidden' });
      expect(views.origin.sent('POST')).toEqual([]);
    }, 30_000);

    it('is reached by the keyboard alone, and Escape returns to where it was', async () => {
      await views.open('#migration', answerMigration(SHADOW));
      const button = capability('Reads by id').getByRole('button', { name: 'Promote' });
      await button.focus();
      await views.page.keyboard.press('Enter');
      await views.hasFocus('input[name=reason]');
      await views.page.keyboard.press('Escape');
      await views.dialog.waitFor({ state: 'hidden' });
      await views.hasFocus('button', 'Promote');
    }, 30_000);
  });

  describe('a hold', () => {
    it('needs a reason, blocks the changes, and can be released', async () => {
      await views.open('#migration', answerMigration(SHADOW));
      views.origin.on('POST /v1/migration/hold', () => {
        serve(HELD);
        return { body: HELD };
      });
      await views.page.getByRole('button', { name: 'Hold…' }).click();
      await views.dialog.getByText('There is no automatic rollback either').waitFor();
      await decide('audit week', 'Hold the migration');
      await views.page
        .getByRole('status')
        .getByText('Held by ada since 2026-01-31 12:00:00 UTC: audit week.')
        .waitFor();
      expect(await capability('Writes').getByRole('button', { name: 'Roll back' }).isDisabled()).toBe(true);
      expect(views.origin.sent('POST')[0]?.body).toEqual({ held: true, reason: 'audit week' });
      await views.page.getByRole('button', { name: 'Release…' }).click();
      views.origin.on('POST /v1/migration/hold', { body: SHADOW });
      await decide('done', 'Release the migration');
      await hasSent('POST /v1/migration/hold', 2);
      expect(views.origin.sent('POST')[1]?.body).toEqual({ held: false, reason: 'done' });
    }, 30_000);
  });

  describe('what happens by itself', () => {
    it('is a rollback, whose cause is an alert above everything', async () => {
      await views.open('#migration', answerMigration(LIVE));
      await views.page
        .getByRole('alert')
        .getByText(
          'Reads by page went back to shadow at 100 % automatically at 2026-01-31 12:00:00 UTC. Cause: mismatches: 1',
        )
        .waitFor();
    }, 30_000);

    it('is a change in progress, during which no other one can be made', async () => {
      await views.open('#migration', answerMigration(CHANGING));
      await views.page
        .getByText('Writes are moving to live at 25 %: the legacy system must get all open orders')
        .waitFor();
      expect(await capability('Reads by id').getByRole('button', { name: 'Promote' }).isDisabled()).toBe(true);
    }, 30_000);

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
      serve(SHADOW);
      await views.page.getByRole('alert').waitFor({ state: 'hidden' });
      expect(await capability('Writes').getByRole('button', { name: 'Promote' }).isDisabled()).toBe(false);
      expect(views.errors).toEqual([]);
    }, 30_000);

    it('is a token without the scope, which is named', async () => {
      await views.open('#migration', (origin) => {
        answerOff(origin);
        origin.on('GET /v1/migration', { status: 403, body: { detail: 'The token lacks the scope ops:migrate.' } });
      });
      await views.page.getByRole('alert').getByText('lacks the scope ops:migrate').waitFor();
      expect(await capability('Writes').count()).toBe(0);
    }, 30_000);
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
      await hasSent('GET /v1/migration/mismatches?pageSize=10&capability=writes');
    }, 30_000);

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
    }, 30_000);
  });

  it('starts a backfill after a confirmation, and a verify at once', async () => {
    await views.open('#migration', answerOff);
    await views.page.getByRole('button', { name: 'Start backfill…' }).click();
    await views.dialog.getByText('Orders without an exact translation are listed, and not imported').waitFor();
    views.origin.on('POST /v1/migration/', { status: 202, body: {} });
    await views.dialog.getByRole('button', { name: 'Start backfill' }).click();
    await hasSent('POST /v1/migration/backfill');
    await views.dialog.waitFor({ state: 'hidden' });
    views.origin.on('POST /v1/migration/verify', { status: 409, body: { detail: 'A verify has not ended.' } });
    await views.page.getByRole('button', { name: 'Start verify' }).click();
    await views.page.getByRole('alert').getByText('A verify has not ended.').waitFor();
  }, 30_000);

  const states: [string, MigrationResponse | null][] = [
    ['off', null],
    ['shadow with mismatches', SHADOW],
    ['live at 50 %, and a rollback', LIVE],
    ['held', HELD],
    ['changing', CHANGING],
  ];
  describe.each([390, 1_180, 1_440])('%i px wide', (width) => {
    it.each(states)(
      'is accessible and not wider than the window: %s',
      async (_, state) => {
        const console = await views.open('#migration', state === null ? answerOff : answerMigration(state), width);
        await capability('Reads by range').waitFor();
        if (state === SHADOW) await views.page.locator('mismatch-list summary').first().click();
        for (const colorScheme of ['light', 'dark'] as const) {
          await console.page.emulateMedia({ colorScheme });
          expect(await console.violations()).toEqual([]);
        }
        expect(await console.overflow()).toBeLessThanOrEqual(0);
        expect(views.errors).toEqual([]);
      },
      60_000,
    );
  });
});
