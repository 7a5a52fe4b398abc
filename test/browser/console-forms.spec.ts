import { describe, expect, it } from '@jest/globals';
import { aConsumer, aPipeline } from '../../apps/console/src/pipeline/testing/a-pipeline.js';
import {
  answerBusy,
  PAGE_SETTINGS,
  LETTER_ID,
  operation,
  OPERATION,
  ORDER_ID,
  SAVED_ORDER,
  UNKNOWN_ID,
} from './scripted-origin.js';
import { ScriptedConsole } from './scripted-console.js';

const POPULATE = 'POST /v1/populate';

describe('the forms of the console', () => {
  const views = ScriptedConsole.forSuite();

  describe('the populate form', () => {
    it.each([
      ['', 'Orders is missing.'],
      ['10,000,001', 'Orders must be a whole number from 1 to 10,000,000'],
    ])('sends nothing for %j orders, and says why', async (text, reason) => {
      const console = await views.open();
      await console.part('Test orders').fill('Orders', text);
      await console.part('Test orders').press('Generate');
      await console.part('Test orders').alerts(reason);
      await console.hasFocus('input[name=count]');
      expect(views.origin.sent('POST')).toEqual([]);
    });

    it('understands separators and spaces, and sends per cent as fractions', async () => {
      const part = (await views.open()).part('Test orders');
      views.origin.on(POPULATE, { status: 202, body: operation() });
      await part.fill('Orders', ' 100 000 ');
      await part.fill('Seed', '1,000');
      await part.locator.getByText('Faulty records').click();
      await part.shows('1 % here is 0.01 there');
      await part.fill('Conflicts', '2.5');
      await part.fill('Poison', '0');
      await part.press('Generate');
      expect(await views.hasSent(POPULATE)).toEqual([{ count: 100_000, seed: 1_000, faults: { conflict: 0.025 } }]);
      expect(await part.field('Orders').inputValue()).toBe('100,000');
    });

    it('explains why there are no faults where they are off', async () => {
      const console = await views.open('', (origin) => {
        answerBusy(origin);
        origin.answer({ 'GET /page-settings.json': { ...PAGE_SETTINGS, allowsFaults: false } });
      });
      await console.part('Test orders').locator.getByText('Faulty records').click();
      await console.part('Test orders').shows('ALLOW_FAULT_INJECTION=true');
      expect(await console.part('Test orders').field('Poison').count()).toBe(0);
    });

    it('opens the faults when one of them is wrong', async () => {
      const part = (await views.open()).part('Test orders');
      await part.locator.getByText('Faulty records').click();
      await part.fill('Duplicates', '101');
      await part.locator.getByText('Faulty records').click();
      await part.press('Generate');
      await part.alerts('Duplicates, % must be a number from 0 to 100, got “101”.');
      expect(views.origin.sent('POST')).toEqual([]);
    });

    it('repeats a populate whose answer broke off with the same idempotency key', async () => {
      const part = (await views.open()).part('Test orders');
      views.origin.on(POPULATE, { status: 202, body: operation(), cut: true });
      await part.press('Generate');
      await part.alerts('The answer broke off in the middle. Press “Generate” again');
      views.origin.on(POPULATE, { status: 202, body: operation() });
      await part.press('Generate');
      await part.locator.getByRole('alert').waitFor({ state: 'hidden' });
      const [first, second, ...more] = views.origin.sent(POPULATE).map(({ headers }) => headers['idempotency-key']);
      expect([typeof first, second, more]).toEqual(['string', first, []]);
    });
  });

  describe('the search', () => {
    it('refuses a text that can not be right without a request, at an address of its own', async () => {
      const console = await views.open(`#orders/${ORDER_ID}`);
      await console.part('Orders').shows('its order 12,544');
      const before = views.origin.sent('GET /v1/orders').length;
      await console.search('26.11.2026');
      await console.part('Orders').alerts('A day is year-month-day: write 2026-11-26, got “26.11.2026”.');
      await console.hashIs('#orders?find=26.11.2026');
      expect(views.origin.sent('GET /v1/orders')).toHaveLength(before);
    });

    it('numbers the pages behind a token, which the query API does not, also after a reload', async () => {
      const console = await views.open('#orders?find=acme', (origin) => {
        answerBusy(origin);
        const [next, prev] = ['/v1/orders?symbol=ACME&pageToken=n', '/v1/orders?symbol=ACME&pageToken=p'];
        origin.on('GET /v1/orders?', ({ path }) => {
          const page = path.includes('pageToken=') ? { next, prev } : { number: 1, next };
          return { body: { items: [SAVED_ORDER], page: { size: 20, ...page } } };
        });
      });
      const orders = console.part('Orders');
      const isPage = async (number: number): Promise<void> => {
        await orders.shows(`page ${number}`, { exact: true });
        await orders.shows(`1 order on page ${number}, more follow`);
      };
      await isPage(1);
      await orders.press('Next');
      await isPage(2);
      await orders.press('Next');
      await isPage(3);
      await console.reload();
      await isPage(3);
      await orders.press('Previous');
      await isPage(2);
      expect(views.errors).toEqual([]);
    });

    it('links the last page of orders from a page beyond it', async () => {
      const console = await views.open('#orders?find=page 100,000', (origin) => {
        answerBusy(origin);
        const prev = '/v1/orders?page=2&pageSize=20';
        origin.answer({
          'GET /v1/orders?page=100000': { items: [], page: { number: 100_000, last: '/v1/orders?page=3&pageSize=20' } },
          'GET /v1/orders?page=3': { items: [SAVED_ORDER], page: { number: 3, prev } },
        });
      });
      await console.part('Orders').follow('Show the last page, 3');
      await console.part('Orders').locator.getByText('1 order on page 3, the last one').waitFor({ state: 'attached' });
      expect(views.errors).toEqual([]);
    });

    it('finds an operation and a dead letter by id', async () => {
      const console = await views.open();
      views.origin.on(`GET /v1/orders/${OPERATION}`, { status: 404, body: {} });
      await console.search(` ${OPERATION.toUpperCase()} `);
      await console.hashIs(`#operations/${OPERATION}`);
      await console.dialog.shows('99,811 of 100,000 saved, 189 dead-lettered');
      await console.page.keyboard.press('Escape');
      await console.search(LETTER_ID);
      await console.hashIs(`#letters/${LETTER_ID}`);
      expect(views.errors).toEqual([]);
    });

    it('says that neither an order nor an operation has an id', async () => {
      const console = await views.open();
      for (const kind of ['orders', 'operations'])
        views.origin.on(`GET /v1/${kind}/${UNKNOWN_ID}`, { status: 404, body: {} });
      await console.search(UNKNOWN_ID);
      await console.part('Orders').shows('Order not found. No operation has this id either.');
      await console.hashIs(`#orders?find=${UNKNOWN_ID}`);
      expect(await console.part('Orders').locator.getByRole('table').count()).toBe(0);
    });
  });

  describe('the scale form', () => {
    const RUNNING = '2 running; at most 12 can be busy';

    it.each([
      ['', 'Consumers is missing.'],
      ['100', 'Consumers must be a whole number from 1 to 64, got “100”.'],
    ])('sends nothing for %j consumers, says why in its own words, and gives no hint on them', async (text, reason) => {
      const console = await views.open();
      await console.part('Scale').shows(RUNNING);
      await console.scale(text);
      await console.part('Scale').alerts(reason);
      await console.hasFocus('input[name=count]');
      expect(await console.part('Scale').text()).not.toMatch(/would be idle|A verdict on/);
      expect(views.origin.sent('POST')).toEqual([]);
    });

    it('steps from the number of consumers, warns of idle ones, and follows its own requests and those of others', async () => {
      const console = await views.open();
      let request = 0;
      views.origin.on('POST /v1/pipeline/consumers', ({ body }) => {
        request += 1;
        return { status: 202, body: { ...(body as object), idle: 0, request } };
      });
      const part = console.part('Scale');
      await part.shows(RUNNING);
      await part.press('Add one consumer');
      await part.press('Add one consumer');
      expect(await part.field('Consumers').inputValue()).toBe('4');
      await part.shows('A verdict on 4 consumers needs');
      await part.fill('Consumers', '14');
      await part.shows('2 consumers of 14 would be idle');
      await console.scale(3);
      await part.shows('Scaling to 3 consumers.');
      await console.scale(1);
      expect(await views.hasSent('POST', 2)).toEqual([{ count: 3 }, { count: 1 }]);
      await part.shows('Scaling to 1 consumer.');
      // The console still reports the first request.
      const first = { scaling: { count: 3, secondsAgo: 1 }, configuredConsumers: 3, scalingRequests: 1 };
      views.origin.show(aPipeline({ ...first, lagRecords: 41_300 }));
      await console.tileIs('Lag', '41,300records');
      expect(await part.text()).toContain('Scaling to 1 consumer.');
      expect(await part.field('Consumers').inputValue()).toBe('1');
      views.origin.show(aPipeline({ scalingRequests: 3, configuredConsumers: 5 }));
      await part.shows('Another user has requested 5 after your 1.');
      expect(await part.field('Consumers').inputValue()).toBe('5');
    });

    it('keeps the number of consumers while one that died is being replaced', async () => {
      const part = (await views.open()).part('Scale');
      await part.shows(RUNNING);
      views.origin.show(aPipeline({ consumers: [aConsumer()], configuredConsumers: 2 }));
      await part.shows('1 running; at most 12 can be busy');
      expect(await part.field('Consumers').inputValue()).toBe('2');
      views.origin.show(aPipeline({ consumers: [aConsumer()], configuredConsumers: 1, lagSeconds: 77 }));
      await part.locator.page().getByText('1 min 17 s').first().waitFor();
      expect(await part.button('Remove one consumer').isDisabled()).toBe(true);
    });

    it('no longer says that the limit is missing once its field is cleared, or another limit was applied', async () => {
      const part = (await views.open()).part('Scale');
      views.origin.on('POST /v1/pipeline/in-flight', { status: 202, body: { limit: 'auto' } });
      const [field, missing] = [part.field('In-flight limit'), part.locator.getByText('is missing.')];
      await part.press('Apply limit');
      await missing.waitFor();
      await field.fill('5');
      await field.fill('');
      await missing.waitFor({ state: 'detached' });
      await field.blur();
      expect(await missing.count()).toBe(0);
      await part.press('Apply limit');
      await missing.waitFor();
      await part.press('Use auto limit');
      await missing.waitFor({ state: 'detached' });
    });
  });
});
