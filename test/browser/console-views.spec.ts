import { describe, expect, it } from '@jest/globals';
import type { DeadLetterGroups } from '../../apps/producer/src/dead-letters/dead-letter-response.js';
import { eventually } from '../support/eventually.js';
import { answerBusy, answerEmpty } from './scripted-answers.js';
import { ScriptedConsole } from './scripted-console.js';
import type { ScriptedAnswer } from './scripted-origin.js';
import {
  FULL_LETTER,
  GROUPS,
  LETTER_ID,
  NOW,
  operation,
  OPERATION,
  ORDER_ID,
  pipelineState,
  REDRIVE,
  scaling,
} from './scripted-states.js';

const LETTER = `#letters/${LETTER_ID}`;

/** A letter that was redriven. @param outcome `null`: not yet known */
function redriven(state: string, outcome: string | null): ScriptedAnswer {
  const tries = [{ redriveId: REDRIVE, at: NOW, outcome, endedAt: outcome && NOW }];
  return { body: { ...FULL_LETTER, state, tries } };
}

describe('the views of the console', () => {
  const views = ScriptedConsole.forSuite();

  describe('operations', () => {
    it('show what was saved, not what was sent', async () => {
      const console = await views.open();
      const states = console.part('Populate').locator('.operations .status');
      await states.first().waitFor();
      expect(await states.allInnerTexts()).toEqual([
        'none saved: 208 dead-lettered again',
        '99,811 of 100,000 saved, 189 dead-lettered',
      ]);
      expect(await console.part('Populate').innerText()).toContain('sent in 13 s');
    });

    it('ask before a cancel, and leave the operation alone otherwise', async () => {
      const running = operation({ status: 'running', acked: 22_000, saved: 0, finishedAt: null });
      const console = await views.open('', (to) => {
        answerBusy(to);
        to.on('GET /v1/operations?', { body: { items: [running], page: { size: 6 } } });
      });
      const part = console.part('Populate');
      await part.getByText('sending 22 %, saving 0 %').waitFor();
      await part.getByRole('button', { name: 'Cancel…' }).click();
      await views.dialog
        .getByText('So far 22,000 of 100,000 orders are in Kafka, and more until you confirm')
        .waitFor();
      await views.hasFocus('button', 'Keep operation');
      await console.page.keyboard.press('Enter');
      await views.dialog.waitFor({ state: 'hidden' });
      expect(views.origin.sent('POST')).toEqual([]);
      await part.getByRole('button', { name: 'Cancel…' }).click();
      views.origin.on('POST /v1/operations', { body: running });
      await views.dialog.getByRole('button', { name: 'Cancel operation' }).click();
      await views.dialog.waitFor({ state: 'hidden' });
      expect(views.origin.sent(`POST /v1/operations/${OPERATION}/cancel`)).toHaveLength(1);
    });

    it('beyond the newest six are listed on request', async () => {
      const page = (from: number, size: number) => ({
        items: Array.from({ length: size }, (_, at) => operation({ id: idAt(from + at) })),
        page: { size, ...(from === 0 && { next: 'more' }) },
      });
      const console = await views.open('', (to) => {
        answerBusy(to);
        to.on('GET /v1/operations?', ({ path }) => ({ body: path.includes('before=') ? page(6, 3) : page(0, 6) }));
      });
      const items = console.part('Populate').locator('.operations > li');
      await items.first().waitFor();
      expect(await items.count()).toBe(6);
      await console.part('Populate').getByRole('button', { name: 'Show older operations' }).click();
      await items.nth(8).waitFor();
      expect(views.origin.sent(`GET /v1/operations?before=${idAt(5)}`)).toHaveLength(1);
    });
  });

  describe('dead letters', () => {
    it('mark what differs between a refused and the saved order', async () => {
      const console = await views.open(LETTER);
      const rows = views.dialog.locator('tr.differs');
      await rows.first().waitFor();
      expect(await rows.allInnerTexts()).toEqual([
        expect.stringMatching(/side differs\s+sell\s+buy/),
        expect.stringMatching(/quantity differs\s+1,001\s+1,000/),
        expect.stringMatching(/amount differs\s+187,537\.3500\s+187,350\.0000/),
      ]);
      await views.dialog.getByRole('link', { name: 'Show the saved order' }).click();
      await views.hashIs(`#orders/${ORDER_ID}`);
      await console.part('Orders').getByText('its order 12,544').waitFor();
    });

    it('are counted before they are discarded', async () => {
      const console = await views.open();
      views.origin.on('POST /v1/dead-letters/discard', { body: { discarded: 208 } });
      await console.part('Dead letters').getByRole('button', { name: 'Discard… all of conflict' }).click();
      await views.dialog.getByText('208 pending letters will be discarded').waitFor();
      await views.hasFocus('button', 'Keep letters');
      await views.dialog.getByRole('button', { name: 'Discard letters' }).click();
      await console.part('Dead letters').getByText('208 letters discarded').waitFor();
      expect(views.origin.sent('POST /v1/dead-letters/discard').map(({ body }) => body)).toEqual([
        { errorCode: 'conflict' },
      ]);
    });

    it('are followed in their dialog until their redrive has ended', async () => {
      await views.open(LETTER, (origin) => {
        answerBusy(origin);
        origin.on(`GET /v1/dead-letters/records/${LETTER_ID}`, redriven('redriving', null));
      });
      await views.dialog.getByText('in progress').waitFor();
      views.origin.on(`GET /v1/dead-letters/records/${LETTER_ID}`, redriven('pending', 'returned'));
      await views.dialog.getByText('it failed again').waitFor();
      expect(await views.dialog.getByRole('button', { name: 'Discard…' }).isEnabled()).toBe(true);
    });

    it('have a dialog for their redrive that says what repairs them, and that nothing repairs a conflict', async () => {
      const console = await views.open();
      await console.part('Dead letters').getByRole('button', { name: 'Redrive… all of conflict' }).click();
      await views.dialog.getByText('Compare the record with the saved order, then discard it').waitFor();
      await console.page.keyboard.press('Escape');
      views.origin.on('POST /v1/dead-letters/redrive', {
        body: { letters: 1, spent: 0, errors: [{ errorCode: 'oversized', count: 1 }] },
      });
      await console.part('Dead letters').getByRole('button', { name: 'Redrive… all of not-wire-format' }).click();
      await views.dialog.getByText('the sender must send a new record').waitFor();
      await views.dialog.getByText('Raise MAX_ORDER_BYTES').waitFor();
      expect(await views.dialog.innerText()).not.toContain('Compare the record');
    });

    it('are read again until the newest is shown, however slow the answers are', async () => {
      const console = await views.open();
      const first = Promise.withResolvers<ScriptedAnswer>();
      await console.part('Dead letters').getByText('208 pending').waitFor();
      views.origin.on('GET /v1/dead-letters', async () => first.promise);
      for (const deadLetters of [398, 399]) views.origin.show(pipelineState({ deadLetters }));
      await eventually('the groups are requested', () =>
        Promise.resolve(views.origin.sent('GET /v1/dead-letters').length > 1),
      );
      views.origin.show(pipelineState({ deadLetters: 400 }));
      await eventually('the tile is newer', async () => (await console.figure('Dead letters')) === 400);
      const second = Promise.withResolvers<ScriptedAnswer>();
      views.origin.on('GET /v1/dead-letters', async () => second.promise);
      first.resolve({ body: groupOf(209) });
      await console.part('Dead letters').getByText('209 pending').waitFor();
      second.resolve({ body: groupOf(210) });
      await console.part('Dead letters').getByText('210 pending').waitFor();
      expect(views.errors).toEqual([]);
    });

    it('are not counted for a redrive while a field is wrong', async () => {
      const console = await views.open();
      await console.part('Dead letters').getByRole('button', { name: 'Redrive… all of conflict' }).click();
      await views.dialog.getByRole('button', { name: 'Redrive 208 letters' }).waitFor();
      await views.dialog.getByLabel('Maximum redrives').fill('0');
      await console.page.keyboard.press('Tab');
      await views.dialog.getByText('Correct the field first').waitFor();
      expect(await views.dialog.getByRole('button', { name: 'Redrive' }).isDisabled()).toBe(true);
      // Counted at once, before the field is left.
      await views.dialog.getByLabel('Maximum redrives').fill('7');
      await views.dialog.getByRole('button', { name: 'Redrive 208 letters' }).waitFor();
      expect(views.origin.sent('POST').at(-1)?.body).toEqual({ errorCode: 'conflict', maxRedrives: 7, dryRun: true });
    });
  });

  describe('the guide', () => {
    it('checks off what really happened, remembers it, and can be hidden and shown again', async () => {
      const console = await views.open('', answerEmpty);
      const guide = console.part('First steps');
      await guide.getByText('0 of 4 done').waitFor();
      expect(await guide.getByRole('link', { name: 'Swagger UI' }).getAttribute('href')).toBe(
        'http://127.0.0.1:3000/docs',
      );
      answerBusy(views.origin);
      views.origin.show(pipelineState({ changes: [scaling(1, 2, 3)] }));
      await guide.getByText('2 of 4 done').waitFor({ timeout: 15_000 });
      await guide.getByText('the effect is being measured').waitFor();
      const unknown = {
        outcome: 'unknown',
        factor: null,
        bound: null,
        text: 'no verdict: too little to save',
      } as const;
      views.origin.show(pipelineState({ lagRecords: 0, changes: [{ ...scaling(1, 2, 9), verdict: unknown }] }));
      await guide.getByText('Last time: no verdict: too little to save.').waitFor();
      expect(await guide.innerText()).toMatch(/2 of 4 done.*2\. Watch\s+✓ done.*3\. Scale\s+not done yet/s);
      const showOperation = (newest: ReturnType<typeof operation>): void =>
        views.origin.on('GET /v1/operations?', { body: { items: [newest], page: { size: 6 } } });
      showOperation(operation({ status: 'running', finishedAt: null, acked: 10 }));
      views.origin.show(pipelineState({ lagRecords: 400_000, changes: [{ ...scaling(1, 2, 9), verdict: unknown }] }));
      await guide.getByText('a verdict would count its end as a gain').waitFor();
      showOperation(operation());
      await guide.getByText('Enough orders wait: set the consumers to 3').waitFor();
      const helped = { outcome: 'faster', factor: 1.9, bound: null, text: 'x1.90, helped' } as const;
      views.origin.show(pipelineState({ changes: [{ ...scaling(1, 2, 9), verdict: helped }] }));
      await guide.getByText('3 of 4 done').waitFor();
      views.origin.on('GET /query-api/metrics', answered(1));
      await guide.getByText('all done').waitFor({ timeout: 10_000 });
      await guide.getByRole('button', { name: 'Hide guide' }).click();
      await console.page.reload();
      await console.isLive();
      expect(await guide.count()).toBe(0);
      await console.page.getByRole('button', { name: 'Show guide' }).click();
      await guide.getByText('all done').waitFor();
    });
  });
});

/** The id of the operation that is older than `at` others. */
function idAt(at: number): string {
  return OPERATION.slice(0, -2) + String(99 - at);
}

/** A group of some dead letters. */
function groupOf(count: number): DeadLetterGroups {
  const [group] = GROUPS.items;
  return { ...GROUPS, items: group === undefined ? [] : [{ ...group, count }] };
}

/** The metrics of a query API that has answered some queries. */
function answered(queries: number): { body: string } {
  return { body: `http_request_duration_seconds_count{method="GET",route="/v1/orders",status="2xx"} ${queries}\n` };
}
