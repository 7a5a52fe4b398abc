import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { answerBusy } from './scripted-answers.js';
import { ScriptedConsole } from './scripted-console.js';
import { LETTER_ID, operation, OPERATION, ORDER_ID, SAVED_ORDER, UNKNOWN_ID } from './scripted-states.js';

describe('the forms of the console', () => {
  const views = ScriptedConsole.forSuite();

  describe('the populate form', () => {
    it.each(['', '-5', '0', '1.5', '10,000,001', 'many', '1e3', '1,00'])(
      'sends nothing for %j orders, and says why',
      async (text) => {
        const console = await views.open();
        const part = console.part('Populate');
        await part.getByLabel('Orders').fill(text);
        await part.getByRole('button', { name: 'Populate' }).click();
        await part
          .getByRole('alert')
          .getByText(text === '' ? 'Orders is missing.' : 'Orders must be a whole number from 1 to 10,000,000')
          .waitFor();
        await views.hasFocus('input[name=count]');
        expect(views.origin.sent('POST')).toEqual([]);
      },
    );

    it('understands separators and spaces, and sends per cent as fractions', async () => {
      const console = await views.open();
      views.origin.on('POST /v1/populate', { status: 202, body: operation() });
      const part = console.part('Populate');
      await part.getByLabel('Orders').fill(' 100 000 ');
      await part.getByLabel('Seed').fill('1,000');
      await part.getByText('Faulty records').click();
      await part.getByText('1 % here is 0.01 there').waitFor();
      await part.getByLabel('Conflicts').fill('2.5');
      await part.getByLabel('Poison').fill('0');
      await part.getByRole('button', { name: 'Populate' }).click();
      await eventually('the request is sent', () =>
        Promise.resolve(views.origin.sent('POST /v1/populate').length === 1),
      );
      expect(views.origin.sent('POST /v1/populate')[0]?.body).toEqual({
        count: 100_000,
        seed: 1_000,
        faults: { conflict: 0.025 },
      });
      expect(await part.getByLabel('Orders').inputValue()).toBe('100,000');
    });

    it('explains why there are no faults where they are off', async () => {
      const off = {
        clientId: 'orders-console',
        queryApiUrl: 'http://127.0.0.1:3000',
        hasFacade: false,
        allowsFaults: false,
      };
      const console = await views.open('', (origin) => {
        answerBusy(origin);
        origin.on('GET /page-settings.json', { body: off });
      });
      const part = console.part('Populate');
      await part.getByText('Faulty records').click();
      await part.getByText('ALLOW_FAULT_INJECTION=true').waitFor();
      expect(await part.getByLabel('Poison').count()).toBe(0);
    });

    it('opens the faults when one of them is wrong', async () => {
      const console = await views.open();
      const part = console.part('Populate');
      await part.getByText('Faulty records').click();
      await part.getByLabel('Duplicates').fill('101');
      await part.getByText('Faulty records').click();
      await part.getByRole('button', { name: 'Populate' }).click();
      await part.getByRole('alert').getByText('Duplicates, % must be a number from 0 to 100, got “101”.').waitFor();
      expect(views.origin.sent('POST')).toEqual([]);
    });

    it('repeats a populate whose answer broke off with the same idempotency key', async () => {
      const console = await views.open();
      views.origin.on('POST /v1/populate', { status: 202, body: operation(), cut: true });
      const part = console.part('Populate');
      await part.getByRole('button', { name: 'Populate' }).click();
      await part.getByRole('alert').getByText('The answer broke off in the middle. Press “Populate” again').waitFor();
      views.origin.on('POST /v1/populate', { status: 202, body: operation() });
      await part.getByRole('button', { name: 'Populate' }).click();
      await part.getByRole('alert').waitFor({ state: 'hidden' });
      const keys = views.origin.sent('POST /v1/populate').map(({ headers }) => headers['idempotency-key']);
      expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
    });
  });

  describe('the search', () => {
    it.each([
      ['-5', 'An order number is a whole number from 1 to 9,007,199,254,740,991, got “-5”.'],
      ['26.11.2026', 'A day is year-month-day: write 2026-11-26, got “26.11.2026”.'],
      ['502..500', 'A range begins with its lower number: 500..502.'],
      ['2026-01-', 'is neither a day, such as 2026-01-31'],
      ['970844c7-0d33', 'is only a part of an id'],
    ])('refuses %j without a request, at an address of its own', async (text, reason) => {
      const console = await views.open(`#orders/${ORDER_ID}`);
      await console.part('Orders').getByText('its order 12,544').waitFor();
      const before = views.origin.sent('GET /v1/orders').length;
      await views.search(text);
      await console.part('Orders').getByRole('alert').getByText(reason).waitFor();
      await views.hashIs(`#orders?find=${text}`);
      expect(views.origin.sent('GET /v1/orders')).toHaveLength(before);
    });

    it('numbers the pages behind a token, which the query API does not, also after a reload', async () => {
      const console = await views.open('#orders?find=acme', (to) => {
        answerBusy(to);
        const [next, prev] = ['/v1/orders?symbol=ACME&pageToken=n', '/v1/orders?symbol=ACME&pageToken=p'];
        to.on('GET /v1/orders?', ({ path }) => {
          const page = path.includes('pageToken=') ? { next, prev } : { number: 1, next };
          return { body: { items: [SAVED_ORDER], page: { size: 20, ...page } } };
        });
      });
      const orders = console.part('Orders');
      const isPage = async (number: number): Promise<void> => {
        await orders.getByText(`page ${number}`, { exact: true }).waitFor();
        await orders.getByText(`1 order on page ${number}, more follow`).waitFor();
      };
      await isPage(1);
      await orders.getByRole('button', { name: 'Next' }).click();
      await isPage(2);
      await orders.getByRole('button', { name: 'Next' }).click();
      await isPage(3);
      await console.page.reload();
      await isPage(3);
      await orders.getByRole('button', { name: 'Previous' }).click();
      await isPage(2);
      expect(views.errors).toEqual([]);
    });

    it('finds an operation and a dead letter by id', async () => {
      const console = await views.open();
      views.origin.on(`GET /v1/orders/${OPERATION}`, { status: 404, body: {} });
      await views.search(` ${OPERATION.toUpperCase()} `);
      await views.hashIs(`#operations/${OPERATION}`);
      await views.dialog.getByText('99,811 of 100,000 saved, 189 dead-lettered').waitFor();
      await console.page.keyboard.press('Escape');
      await views.search(LETTER_ID);
      await views.hashIs(`#letters/${LETTER_ID}`);
      expect(views.errors).toEqual([]);
    });

    it('says that neither an order nor an operation has an id', async () => {
      const console = await views.open();
      for (const kind of ['orders', 'operations'])
        views.origin.on(`GET /v1/${kind}/${UNKNOWN_ID}`, { status: 404, body: {} });
      await views.search(UNKNOWN_ID);
      await console.part('Orders').getByText('Order not found. No operation has this id either.').waitFor();
      await views.hashIs(`#orders?find=${UNKNOWN_ID}`);
      expect(await console.part('Orders').getByRole('table').count()).toBe(0);
    });
  });
});
