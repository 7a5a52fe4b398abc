import { describe, expect, it } from '@jest/globals';
import { migrationOf } from '../../apps/console/page/migration/testing/migration-example.js';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-api.js';
import { Region, type ConsolePage } from './console-page.js';
import { answerBusy, type ScriptedOrigin } from './scripted-origin.js';
import { ScriptedConsole } from './scripted-console.js';
import { answerMigration, answerOff, CHANGING, GATE, HELD, LIVE, SHADOW } from './scripted-migration.js';

const LAST = migrationOf({ writes: { stage: 'live', version: 5, gate: GATE } }, { revision: 8 });
const BY_ID = 'POST /v1/migration/read-by-id';

describe('the migration of the console', () => {
  const views = ScriptedConsole.forSuite();

  /** Opens the migration of a facade in a state. */
  async function opened(state: MigrationResponse | ((origin: ScriptedOrigin) => void)): Promise<ConsolePage> {
    return views.open('#migration', typeof state === 'function' ? state : answerMigration(state));
  }

  /** Lets the facade answer a change with another state, and be in it. */
  function accept(route: string, state: MigrationResponse): void {
    views.origin.on(route, () => {
      answerMigration(state)(views.origin);
      return { body: state };
    });
  }

  describe('its address', () => {
    it('is linked only from a console that knows a facade, and says otherwise how to get one', async () => {
      const console = await opened(answerBusy);
      await console.part('Migration').shows('npm start -- --legacy');
      expect(await console.page.getByRole('navigation').getByRole('link', { name: 'Migration' }).count()).toBe(0);
    });

    it('shows the migration alone, and the other sections as they were when it is left', async () => {
      const console = await views.open('', answerOff);
      const populate = console.part('Test orders');
      await populate.fill('Seed', '17');
      await console.goTo('Migration');
      await console.article('Writes').locator.waitFor();
      await console.hasFocus('h2', 'Migration');
      expect(await populate.locator.isVisible()).toBe(false);
      await console.page.goBack();
      await populate.locator.waitFor();
      expect(await populate.field('Seed').inputValue()).toBe('17');
      expect(await console.article('Writes').locator.count()).toBe(0);
    });
  });

  describe('a stage', () => {
    it('is changed with a reason, a percentage and the version that was seen, and the answer is shown', async () => {
      const console = await opened(answerOff);
      const { dialog } = console;
      const moved = migrationOf({ writes: { stage: 'dualwrite', percent: 30, version: 2 } }, { revision: 3 });
      accept('POST /v1/migration/writes', moved);
      await console.article('Writes').press('Promote… writes');
      await console.hasFocus('input[name=reason]');
      await dialog.shows('New orders of all of the accounts are written to the target too');
      await dialog.fill('Percentage', '30');
      await dialog.shows('New orders of 30 % of the accounts');
      await dialog.press('Move to dualwrite at 30 %');
      await dialog.shows('Reason is missing.');
      await console.hasFocus('input[name=reason]');
      expect(views.origin.sent('POST')).toEqual([]);
      await decide(console, ' first accounts ', 'Move to dualwrite at 30 %');
      await dialog.isClosed();
      await console.article('Writes').shows('dualwrite at 30 %');
      expect(await views.hasSent('POST /v1/migration/writes')).toEqual([
        { stage: 'dualwrite', percent: 30, reason: 'first accounts', version: 1 },
      ]);
    });

    it('goes back whole', async () => {
      const console = await opened(LIVE);
      await console.article('Reads by id').shows('The other 50 % of the keys are still at shadow.');
      await console.article('Reads by id').press('Roll back');
      accept(BY_ID, { ...LIVE, revision: 10 });
      await decide(console, 'wrong totals', 'Roll back to shadow');
      expect(await views.hasSent(BY_ID)).toEqual([{ stage: 'shadow', reason: 'wrong totals', version: 4 }]);
    });

    it('is refused by the gate with each unmet condition, and forced only by a choice that names them', async () => {
      const console = await opened(LIVE);
      const { dialog } = console;
      await console.article('Reads by id').press('Change percentage');
      expect(await dialog.locator.getByRole('checkbox').count()).toBe(0);
      const back = { ...LIVE.capabilities, 'read-by-id': SHADOW.capabilities['read-by-id'] };
      const state = { ...LIVE, revision: 10, capabilities: back };
      answerMigration(state)(views.origin);
      const detail = 'samples, verify of the gate to live not met: see gate';
      views.origin.on(BY_ID, { status: 409, body: { code: 'gate-not-met', detail, gate: GATE, state } });
      await decide(console, 'more', 'Move to live at 100 %');
      await dialog.alerts('samples, verify of the gate to live not met');
      const unmet = dialog.locator.getByRole('list', { name: 'Unmet conditions' }).getByRole('listitem');
      expect(await unmet.allInnerTexts()).toEqual([
        expect.stringMatching(/not met\s+samples: required at least 1000 since the last change; found 412/),
        expect.stringMatching(/mismatches: required at most 0; found 2/),
        expect.stringMatching(/verify: [^]*found no verify/),
      ]);
      // The state of the answer is shown behind the dialog.
      await console.article('Reads by id').shows('shadow at 100 %');
      expect(await console.problemsAt(1_180)).toEqual([]);
      await dialog.field('Override the unmet conditions: samples, mismatches, verify').check();
      await dialog.press('Move to live at 100 %');
      const forced = await views.hasSent(BY_ID, 2);
      expect(forced.map((body) => (body as { force?: true }).force)).toEqual([undefined, true]);
    });

    it('can be the last one of writes, which is final, and whose verify nothing overrides', async () => {
      const console = await opened(LAST);
      await console.article('Writes').press('Promote');
      await console.hasFocus('button', 'Keep live at 100 %');
      await console.dialog.shows('This is final');
      await console.dialog.shows('Nothing overrides these conditions');
      expect(await console.dialog.locator.getByRole('checkbox').count()).toBe(0);
      await console.page.keyboard.press('Enter');
      await console.dialog.isClosed();
      expect(views.origin.sent('POST')).toEqual([]);
    });

    it('is reached by the keyboard alone, and Escape returns to where it was', async () => {
      const console = await opened(SHADOW);
      await console.article('Reads by id').button('Promote').focus();
      await console.page.keyboard.press('Enter');
      await console.hasFocus('input[name=reason]');
      await console.page.keyboard.press('Escape');
      await console.dialog.isClosed();
      await console.hasFocus('button', 'Promote');
      expect(views.origin.sent('POST')).toEqual([]);
    });

    it('can not be changed while another change is in progress', async () => {
      const console = await opened(CHANGING);
      await console.all.shows('Writes are moving to live at 25 %: the legacy system must get all open orders');
      expect(await console.article('Reads by id').button('Promote').isDisabled()).toBe(true);
    });
  });

  it('is held with a reason, which blocks the changes, and can be released', async () => {
    const console = await opened(SHADOW);
    accept('POST /v1/migration/hold', HELD);
    await console.all.press('Hold…');
    await console.dialog.shows('There is no automatic rollback either');
    await decide(console, 'audit week', 'Hold the migration');
    await console.page
      .getByRole('status')
      .getByText('Held by ada since 2026-01-31 12:00:00 UTC: audit week.')
      .waitFor();
    expect(await console.article('Writes').button('Roll back').isDisabled()).toBe(true);
    await console.all.press('Release…');
    accept('POST /v1/migration/hold', SHADOW);
    await decide(console, 'done', 'Release the migration');
    expect(await views.hasSent('POST /v1/migration/hold', 2)).toEqual([
      { held: true, reason: 'audit week' },
      { held: false, reason: 'done' },
    ]);
  });

  it('starts a backfill after a confirmation, and a verify at once', async () => {
    const console = await opened(answerOff);
    await console.all.press('Start backfill…');
    await console.dialog.shows('Orders without an exact translation are listed, and not imported');
    views.origin.on('POST /v1/migration/', { status: 202, body: {} });
    await console.dialog.press('Start backfill');
    await views.hasSent('POST /v1/migration/backfill');
    await console.dialog.isClosed();
    views.origin.on('POST /v1/migration/verify', { status: 409, body: { detail: 'A verify has not ended.' } });
    await console.all.press('Start verify');
    await console.all.alerts('A verify has not ended.');
    await views.hasSent('POST', 2);
    expect(views.errors).toEqual([]);
  });

  describe('a facade that does not answer', () => {
    it('leaves the last state with its time, and nothing can be changed until it is back', async () => {
      const console = await opened(SHADOW);
      const promote = console.article('Writes').button('Promote');
      await promote.waitFor();
      const detail = 'The facade does not answer. Try again in a moment.';
      views.origin.on('GET /v1/migration', { status: 503, body: { code: 'service-away', detail } });
      await console.all.alerts(/The facade does not answer[^]*What is shown is from 20/);
      expect(await promote.isDisabled()).toBe(true);
      answerMigration(SHADOW)(views.origin);
      await console.page.getByRole('alert').waitFor({ state: 'hidden' });
      expect(await promote.isDisabled()).toBe(false);
    });

    it('leaves nothing after a sign-out', async () => {
      const console = await opened(SHADOW);
      await console.article('Writes').locator.waitFor();
      views.origin.on('GET /v1/', { status: 401, body: { detail: 'The token has expired.' } });
      await console.part('Sign in').locator.waitFor();
      await console.part('Migration').shows('Unknown: not signed in.');
      expect(await console.article('Writes').locator.count()).toBe(0);
    });

    it('names the scope that a token lacks', async () => {
      const console = await opened((origin) => {
        answerOff(origin);
        origin.on('GET /v1/migration', { status: 403, body: { detail: 'The token lacks the scope ops:migrate.' } });
      });
      await console.all.alerts('lacks the scope ops:migrate');
      expect(await console.article('Writes').locator.count()).toBe(0);
    });
  });

  it('shows each mismatch with both values of each field, and both answers', async () => {
    const console = await opened(SHADOW);
    const list = new Region(console.page.locator('mismatch-list'));
    await list.locator.getByText('createdAt, price').click();
    expect(await list.locator.locator('tbody tr').allInnerTexts()).toEqual([
      expect.stringMatching(/createdAt\s+"2026-01-31 17:30:00"\s+"2026-01-31 18:30:00"/),
      expect.stringMatching(/price\s+not-a-plain-decimal\s+187\.35\s+187\.3500/),
    ]);
    expect(await list.locator.locator('mark').allInnerTexts()).toEqual(['7', '8', '00']);
    await list.locator.getByText('Both answers').click();
    await list.locator.getByRole('region', { name: 'Answer of the target' }).getByText('"price":187.3500').waitFor();
    await list.field('Capability').selectOption('Writes');
    await views.hasSent('GET /v1/migration/mismatches?pageSize=10&capability=writes');
  });

  it('shows each open intent with its age and reason, and what a verify and a backfill have found', async () => {
    const console = await opened(SHADOW);
    const intent = /2\.3 s 100,412 acc-7 stored, answers sent 1 the target did not answer/;
    await console.page.getByRole('row', { name: intent }).waitFor();
    await console.article('Verify').shows('2 differences');
    await console.article('Verify').shows('price is 187.35 in the legacy system, 187.36 on the target');
    const backfill = console.article('Backfill');
    await backfill.shows('Number 77 (A-77): not-a-uuid of id "A-77"');
    expect(await backfill.locator.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('45');
  });
});

/** Fills the reason of the open dialog and presses a button of it. */
async function decide({ dialog }: ConsolePage, reason: string, button: string): Promise<void> {
  await dialog.fill('Reason', reason);
  await dialog.press(button);
}
