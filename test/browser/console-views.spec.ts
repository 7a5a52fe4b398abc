import { describe, expect, it } from '@jest/globals';
import type { Locator } from 'playwright-core';
import type { PipelineResponse, ScalingVerdict } from '../../apps/console/src/pipeline/pipeline-response.js';
import { aPipeline, aScaling, aVerdict } from '../../apps/console/src/pipeline/testing/a-pipeline.js';
import {
  answerBusy,
  answerEmpty,
  type ScriptedAnswer,
  CONFLICTS,
  FULL_LETTER,
  GROUPS,
  LETTER_ID,
  NOW,
  operation,
  OPERATION,
  ORDER_ID,
  REDRIVE,
} from './scripted-origin.js';
import type { Region } from './console-page.js';
import { ScriptedConsole } from './scripted-console.js';

const LETTER = `#letters/${LETTER_ID}`;
const LETTERS = 'Dead letters';
const GROUPS_ROUTE = 'GET /v1/dead-letters';

/** The body of an answer with the newest operations. */
function pageOf(...items: object[]): { items: object[]; page: { size: number } } {
  return { items, page: { size: 6 } };
}

/** The answer for a letter while it is redriven, or afterwards. @param outcome `null`: not yet known */
function redriven(state: string, outcome: string | null): Record<string, object> {
  const tries = [{ redriveId: REDRIVE, at: NOW, outcome, endedAt: outcome && NOW }];
  return { [`GET /v1/dead-letters/records/${LETTER_ID}`]: { ...FULL_LETTER, state, tries } };
}

/** The changes of a pipeline that was scaled. */
function scaled(verdict: ScalingVerdict | null): Pick<PipelineResponse, 'changes'> {
  return { changes: [aScaling(1, 2, { verdict })] };
}

function stepsIn(region: Region): Locator {
  return region.locator.getByRole('list', { name: 'Time line' }).getByRole('listitem');
}

/** A pipeline with a record that blocks its partition. */
function stalledIn(stalled: number): PipelineResponse {
  const oldest = { offset: 30_500, accountId: 'acc-0004711', takenSeconds: 723, attempt: 7 };
  const pipeline = aPipeline({ lagSeconds: 725 });
  const partitions = pipeline.partitions?.map((each) =>
    each.partition === stalled ? { ...each, lagSeconds: 725, oldest } : each,
  );
  return { ...pipeline, partitions: partitions ?? null };
}

describe('the views of the console', () => {
  const views = ScriptedConsole.forSuite();

  describe('operations', () => {
    it('show what was saved, not what was sent', async () => {
      const part = (await views.open()).part('Test orders');
      const states = part.locator.locator('.operations .status');
      await states.first().waitFor();
      expect(await states.allInnerTexts()).toEqual([
        'none saved: 208 dead-lettered again',
        '99,811 of 100,000 saved, 189 dead-lettered',
      ]);
      expect(await part.text()).toContain('sent in 13 s');
    });

    it('ask before a cancel, and leave the operation alone otherwise', async () => {
      const running = operation({ status: 'running', acked: 22_000, saved: 0, finishedAt: null });
      const console = await views.open('', (origin) => {
        answerBusy(origin);
        origin.answer({ 'GET /v1/operations?': pageOf(running) });
      });
      const { dialog } = console;
      await console.part('Test orders').shows('sending 22 %, saving 0 %');
      await console.part('Test orders').press('Cancel…');
      await dialog.shows('So far 22,000 of 100,000 orders are in Kafka, and more until you confirm');
      await console.hasFocus('button', 'Keep operation');
      await console.page.keyboard.press('Enter');
      await dialog.isClosed();
      expect(views.origin.sent('POST')).toEqual([]);
      await console.part('Test orders').press('Cancel…');
      views.origin.on('POST /v1/operations', { body: running });
      await dialog.press('Cancel operation');
      await dialog.isClosed();
      await views.hasSent(`POST /v1/operations/${OPERATION}/cancel`);
    });

    it('beyond the newest six are listed on request', async () => {
      const ids = Array.from({ length: 9 }, (_, at) => OPERATION.slice(0, -2) + String(99 - at));
      const [newest, older] = [ids.slice(0, 6), ids.slice(6)].map((some) => some.map((id) => operation({ id })));
      const console = await views.open('', (origin) => {
        answerBusy(origin);
        origin.answer({
          'GET /v1/operations?': { items: newest, page: { size: 6, next: 'more' } },
          [`GET /v1/operations?before=${ids[5]}`]: pageOf(...(older ?? [])),
        });
      });
      const items = console.part('Test orders').locator.locator('.operations > li');
      await items.first().waitFor();
      expect(await items.count()).toBe(6);
      await console.part('Test orders').press('Show older operations');
      await items.nth(8).waitFor();
    });
  });

  describe('the story of an order', () => {
    it('has its steps and links to what they are about, and to its trace', async () => {
      const console = await views.open(`#orders/${ORDER_ID}`);
      const orders = console.part('Orders');
      await stepsIn(orders).first().waitFor();
      expect(await stepsIn(orders).allInnerTexts()).toEqual(
        expect.arrayContaining([
          expect.stringMatching(
            /^12:00:03\.620 UTC\s+dead-lettered: refused-by-database, after 5 attempts 3\.5 s later$/,
          ),
          expect.stringMatching(/^13:00:02\.350 UTC\s+saved 794 ms later$/),
        ]),
      );
      const trace = orders.locator.getByRole('link', { name: 'Open the trace' });
      expect(await trace.getAttribute('href')).toMatch('http://localhost:16686/trace/0af76519');
      await orders.follow('dead-lettered');
      await console.hashIs(LETTER);
    });

    it('of a dead letter is two clicks from the figure', async () => {
      const console = await views.open();
      await console.part('Now').follow('Dead letters: 397');
      await console.part(LETTERS).follow('Example of conflict');
      await console.hashIs(LETTER);
      await console.dialog.shows('Refused and saved order');
      const [again, sent] = (await stepsIn(console.dialog).allInnerTexts()).toReversed();
      expect(again).toMatch('dead-lettered again: conflict');
      expect(sent).toMatch(/Unknown time:\s+written to Kafka: partition 3, offset 9,000$/);
    });

    it('that is not saved yet is one click from the figure, and from its partition', async () => {
      const console = await views.open('', (origin) => {
        answerBusy(origin);
        origin.show(stalledIn(7));
      });
      await console.part('Now').follow('Oldest record: 12 min 5 s');
      await console.hashIs('#partitions/7');
      await console.dialog.shows('Stalled');
      await console.dialog.shows('12 min 3 s ago, by consumer-2');
      const search = console.dialog.locator.getByRole('link', { name: 'show its saved orders' });
      expect(await search.getAttribute('href')).toBe('#orders?find=acc-0004711');
      views.origin.show(aPipeline());
      await console.dialog.shows('0.8 s ago, by consumer-2');
      await console.page.keyboard.press('Escape');
      await console.part('Partitions and consumers').follow('Oldest record of partition 8');
      await console.dialog.shows('by consumer-1');
    });
  });

  describe('dead letters', () => {
    it('mark what differs between a refused and the saved order', async () => {
      const console = await views.open(LETTER);
      const rows = console.dialog.locator.locator('tr.differs');
      await rows.first().waitFor();
      expect(await rows.allInnerTexts()).toEqual([
        expect.stringMatching(/side differs\s+sell\s+buy/),
        expect.stringMatching(/quantity differs\s+1,001\s+1,000/),
        expect.stringMatching(/amount differs\s+187,537\.3500\s+187,350\.0000/),
      ]);
      await console.dialog.follow('Show the saved order');
      await console.hashIs(`#orders/${ORDER_ID}`);
      await console.part('Orders').shows('its order 12,544');
    });

    it('are counted before they are discarded', async () => {
      const console = await views.open();
      views.origin.on('POST /v1/dead-letters/discard', { body: { discarded: 208 } });
      await console.part(LETTERS).press('Discard… all of conflict');
      await console.dialog.shows('208 pending dead letters will be discarded');
      await console.hasFocus('button', 'Keep dead letters');
      await console.dialog.press('Discard dead letters');
      await console.part(LETTERS).shows('208 dead letters discarded');
      expect(await views.hasSent('POST /v1/dead-letters/discard')).toEqual([{ errorCode: 'conflict' }]);
    });

    it('are followed in their dialog until their redrive has ended', async () => {
      const { dialog } = await views.open(LETTER, (origin) => {
        answerBusy(origin);
        origin.answer(redriven('redriving', null));
      });
      await dialog.shows('in progress');
      views.origin.answer(redriven('pending', 'returned'));
      await dialog.shows('dead-lettered again');
      expect(await dialog.button('Discard…').isEnabled()).toBe(true);
    });

    it('have a dialog for their redrive that says what repairs them, and that nothing repairs a conflict', async () => {
      const console = await views.open();
      await console.part(LETTERS).press('Redrive… all of conflict');
      await console.dialog.shows('Compare the record with the saved order, then discard it');
      await console.page.keyboard.press('Escape');
      const errors = [{ errorCode: 'oversized', count: 1 }];
      views.origin.answer({ 'POST /v1/dead-letters/redrive': { letters: 1, spent: 0, errors } });
      await console.part(LETTERS).press('Redrive… all of not-wire-format');
      await console.dialog.shows('the sender must send a new record');
      await console.dialog.shows('Raise MAX_ORDER_BYTES');
      expect(await console.dialog.text()).not.toContain('Compare the record');
    });

    it('are read again until the newest is shown, however slow the answers are', async () => {
      const part = async (count: number) => console.part(LETTERS).shows(`${count} pending`);
      /** Lets the next requests wait for an answer, which is then this number of dead letters. */
      const slowly = (): ((count: number) => void) => {
        const answer = Promise.withResolvers<ScriptedAnswer>();
        views.origin.on(GROUPS_ROUTE, async () => answer.promise);
        return (count) => answer.resolve({ body: { ...GROUPS, items: [{ ...CONFLICTS, count }] } });
      };
      const console = await views.open();
      await part(208);
      const before = views.origin.sent(GROUPS_ROUTE).length;
      const answerFirst = slowly();
      for (const deadLetters of [398, 399]) views.origin.show(aPipeline({ deadLetters }));
      await views.hasSent(GROUPS_ROUTE, before + 1);
      views.origin.show(aPipeline({ deadLetters: 400 }));
      await console.tileIs('Dead letters', '400pending');
      const answerSecond = slowly();
      answerFirst(209);
      await part(209);
      answerSecond(210);
      await part(210);
      expect(views.errors).toEqual([]);
    });

    it('are not counted for a redrive while a field is wrong', async () => {
      const console = await views.open();
      const { dialog } = console;
      await console.part(LETTERS).press('Redrive… all of conflict');
      await dialog.button('Redrive 208 dead letters').waitFor();
      await dialog.fill('Maximum redrives', '0');
      await console.page.keyboard.press('Tab');
      await dialog.shows('Correct the field first');
      expect(await dialog.button('Redrive').isDisabled()).toBe(true);
      // Counted at once, before the field is left.
      await dialog.fill('Maximum redrives', '7');
      await dialog.button('Redrive 208 dead letters').waitFor();
      expect(views.origin.sent('POST').at(-1)?.body).toEqual({ errorCode: 'conflict', maxRedrives: 7, dryRun: true });
    });
  });

  it('have a guide that checks off what really happened, remembers it, and can be hidden and shown again', async () => {
    const console = await views.open('', answerEmpty);
    const guide = console.part('First steps');
    await guide.shows('0 of 4 done');
    const swagger = guide.locator.getByRole('link', { name: 'Swagger UI' });
    expect(await swagger.getAttribute('href')).toBe('http://127.0.0.1:3000/docs');
    answerBusy(views.origin);
    views.origin.show(aPipeline(scaled(null)));
    await guide.shows('2 of 4 done');
    expect(await guide.text()).toMatch(/2 of 4 done.*2\. Watch\s+✓ done.*3\. Scale\s+not done yet/s);
    const unknown = aVerdict({ outcome: 'unknown', factor: null, text: 'no verdict: too little to save' });
    views.origin.show(aPipeline({ lagRecords: 7, ...scaled(unknown) }));
    await console.tileIs('Lag', '7records');
    await guide.shows('2 of 4 done');
    views.origin.show(aPipeline(scaled(aVerdict())));
    await guide.shows('3 of 4 done');
    views.origin.answer({
      'GET /query-api/metrics': 'http_request_duration_seconds_count{method="GET",route="/v1/orders",status="2xx"} 1\n',
    });
    await guide.shows('all done');
    await guide.press('Hide guide');
    await console.reload();
    await console.isLive();
    expect(await guide.locator.count()).toBe(0);
    await console.all.press('Show guide');
    await guide.shows('all done');
  });
});
