import { describe, expect, it } from '@jest/globals';
import type { Locator } from 'playwright-core';
import { migrationOf } from '../../apps/console/page/migration/testing/migration-example.js';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-response.js';
import { eventually } from '../support/eventually.js';
import { answerBusy } from './scripted-answers.js';
import { ScriptedConsole } from './scripted-console.js';
import { GATE, HELD, LIVE, SHADOW } from './scripted-migration-states.js';
import { answerMigration, answerOff } from './scripted-migration.js';

const LAST = migrationOf({ writes: { stage: 'live', version: 5, gate: GATE } }, { revision: 8 });

describe('the migration of the console', () => {
  const views = ScriptedConsole.forSuite();

  function capability(name: string): Locator {
    return views.page.getByRole('article', { name, exact: true });
  }

  async function hasSent(route: string, count = 1): Promise<void> {
    await eventually(`${route} is sent`, () => Promise.resolve(views.origin.sent(route).length === count));
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
    });

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
    });
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
    });

    it('goes back whole', async () => {
      await views.open('#migration', answerMigration(LIVE));
      await capability('Reads by id').getByText('The other 50 % of the keys are still at shadow.').waitFor();
      await capability('Reads by id').getByRole('button', { name: 'Roll back' }).click();
      views.origin.on('POST /v1/migration/read-by-id', { body: { ...LIVE, revision: 10 } });
      await decide('wrong totals', 'Roll back to shadow');
      await hasSent('POST /v1/migration/read-by-id');
      expect(views.origin.sent('POST')[0]?.body).toEqual({ stage: 'shadow', reason: 'wrong totals', version: 4 });
    });

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
    });

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
    });

    it('is reached by the keyboard alone, and Escape returns to where it was', async () => {
      await views.open('#migration', answerMigration(SHADOW));
      const button = capability('Reads by id').getByRole('button', { name: 'Promote' });
      await button.focus();
      await views.page.keyboard.press('Enter');
      await views.hasFocus('input[name=reason]');
      await views.page.keyboard.press('Escape');
      await views.dialog.waitFor({ state: 'hidden' });
      await views.hasFocus('button', 'Promote');
      expect(views.origin.sent('POST')).toEqual([]);
    });
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
    });
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
    expect(views.origin.sent('POST').map(({ path }) => path)).toEqual([
      '/v1/migration/backfill',
      '/v1/migration/verify',
    ]);
  });
});
