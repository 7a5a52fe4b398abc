import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { answerBusy } from './scripted-answers.js';
import { ScriptedConsole } from './scripted-console.js';
import { LETTER_ID, OPERATION, ORDER_ID, pipelineState, REDRIVE, UNKNOWN_ID } from './scripted-states.js';

/** That of the window. */
const HEIGHT = 900;
const LETTER = `#letters/${LETTER_ID}`;

describe('the addresses of the console', () => {
  const views = ScriptedConsole.forSuite();

  describe('addresses', () => {
    it('show a dead letter after a reload, and its section once it is closed', async () => {
      const console = await views.open(LETTER);
      await views.dialog.getByText('3 fields differ').waitFor();
      await console.page.reload();
      await views.dialog.getByText('3 fields differ').waitFor();
      await console.page.keyboard.press('Escape');
      await views.hashIs('#letters');
      await views.dialog.waitFor({ state: 'hidden' });
      expect(views.errors).toEqual([]);
    });

    it('go back and forward between two searches and an operation', async () => {
      const console = await views.open('#orders?find=acme', (origin) => {
        answerBusy(origin);
        origin.on('GET /v1/orders', { body: { items: [], page: { number: 1, size: 20 } } });
      });
      await console.part('Orders').getByText('no saved orders with the symbol “ACME”').waitFor();
      await console
        .part('Orders')
        .getByLabel(/Id, number/)
        .fill('globex');
      await console.part('Orders').getByRole('button', { name: 'Find' }).click();
      await console.part('Orders').getByText('“GLOBEX”').waitFor();
      await console.part('Populate').getByRole('link', { name: REDRIVE }).click();
      await views.dialog.getByText('208 moved = 0 saved + 208 returned').waitFor();
      await console.page.goBack();
      await views.dialog.waitFor({ state: 'hidden' });
      await views.hashIs('#orders?find=globex');
      await console.page.goBack();
      await console.part('Orders').getByText('“ACME”').waitFor();
      expect(
        await console
          .part('Orders')
          .getByLabel(/Id, number/)
          .inputValue(),
      ).toBe('acme');
      await console.page.goForward();
      await console.part('Orders').getByText('“GLOBEX”').waitFor();
    });

    it('show their section on a phone, although the sections above it grow later', async () => {
      const later = pipelineState();
      const console = await views.open(
        '#orders?find=acme',
        (origin) => {
          answerBusy(origin);
          origin.show({ ...later, partitions: [], consumers: [] });
        },
        390,
      );
      const top = async (): Promise<number> => (await console.part('Orders').boundingBox())?.y ?? Number.NaN;
      const isInWindow = async (): Promise<boolean> => (await top()) > 0 && (await top()) < HEIGHT - 100;
      await eventually('the section is shown', isInWindow);
      views.origin.show(later);
      await console.part('Partitions and consumers').getByText('consumer-1').first().waitFor();
      await eventually('the section is shown again', isInWindow);
      await console.page.mouse.wheel(0, -1_000);
      await eventually('the user has scrolled away', async () => (await top()) > HEIGHT);
      views.origin.show({ ...later, partitions: [], consumers: [] });
      await console.part('Partitions and consumers').getByText('No consumer runs').waitFor();
      expect(await isInWindow()).toBe(false);
    });

    it('link to an order, with its trace and its number in the operation', async () => {
      const console = await views.open(`#orders/${ORDER_ID}`);
      const orders = console.part('Orders');
      await orders.getByText('its order 12,544').waitFor();
      expect(await orders.innerText()).toMatch(/187,350\.0000 USD[^]*its orders 12,001 to 13,000/);
      // The browser is in New York.
      expect(await orders.innerText()).toMatch(/2026-01-31 12:00:00 UTC/);
    });

    it.each([
      [`#operations/${UNKNOWN_ID}`, 'There is no operation with this id'],
      ['#letters/nothing', 'There is no dead letter with this id'],
      [`#orders/${UNKNOWN_ID}`, 'Order not found'],
      ['#orders?find=2026-01', 'is neither a day'],
      ['#orders/abc', '“abc” is not the id of an order'],
      ['#operations/abc', '“abc” is not the id of an operation'],
      ['#nope', 'This page has nothing at “#nope”. Choose a section in the header'],
      ['#scale/4', 'This page has nothing at “#scale/4”.'],
    ])('of something that does not exist say so: %s', async (hash, text) => {
      const console = await views.open(hash, (origin) => {
        answerBusy(origin);
        for (const path of [`orders/${UNKNOWN_ID}`, 'dead-letters/records/nothing'])
          origin.on(`GET /v1/${path}`, { status: 404, body: {} });
      });
      await console.page.getByRole('alert').getByText(text).waitFor();
      expect(views.errors).toEqual([]);
      await console.page.keyboard.press('Escape');
      await console.page.getByRole('link', { name: 'Scale' }).first().click();
      await views.hashIs('#scale');
      expect(await console.page.getByText('This page has nothing at').count()).toBe(0);
    });

    it('that select nothing scroll to the message and focus it, also when another one did before', async () => {
      const console = await views.open('#orders');
      const message = console.page.getByRole('alert').getByText('This page has nothing at');
      const isInWindow = async (): Promise<boolean> => {
        const { y = Number.NaN, height = 0 } = (await message.boundingBox()) ?? {};
        return y >= 0 && y + height <= HEIGHT;
      };
      await views.hasFocus('h2', 'Orders');
      for (const hash of ['#nope', '#scale/4']) {
        await console.page.mouse.wheel(0, 10_000);
        await eventually('the page is scrolled down', () => console.page.evaluate('scrollY > 500'));
        await console.page.evaluate(`location.hash = '${hash}'`);
        await views.hasFocus('[role=alert]', hash);
        await eventually('the message is in the window', isInWindow);
        await console.page.keyboard.press('Tab');
        await views.hasFocus('a', 'search for an order');
      }
      expect(views.errors).toEqual([]);
    });

    it('filter the dead letters by an operation, and explain why they are more than its missing orders', async () => {
      const console = await views.open(`#operations/${OPERATION}`);
      await views.dialog.getByText('189 orders, and 208 extra records').waitFor();
      await views.dialog.getByRole('link', { name: '397 pending dead letters' }).click();
      await views.hashIs(`#letters?operation=${OPERATION}`);
      await console.part('Dead letters').getByText('Only those of operation').waitFor();
      expect(views.origin.sent(`GET /v1/dead-letters?operationId=${OPERATION}`).length).toBeGreaterThan(0);
    });
  });

  describe('the keyboard', () => {
    it('stays in a dialog, closes it, and returns to where it was', async () => {
      const console = await views.open('#letters?error=conflict');
      const link = console.part('Dead letters').getByRole('link', { name: `Show record of ${LETTER_ID}` });
      await link.focus();
      await console.page.keyboard.press('Enter');
      await views.dialog.getByText('3 fields differ').waitFor();
      for (let pressed = 0; pressed < 12; pressed += 1) {
        await console.page.keyboard.press('Tab');
        // After the last element come the browser's own controls, and nothing of what is behind the dialog.
        const inDialog = console.page.locator(':is(dialog, dialog *):focus');
        expect(await console.page.locator(':focus').count()).toBe(await inDialog.count());
      }
      await console.page.keyboard.press('Escape');
      await views.hasFocus('a', LETTER_ID);
      await views.hashIs('#letters?error=conflict');
    });

    it('reaches a section by its link', async () => {
      const console = await views.open();
      await console.page.getByRole('navigation').getByRole('link', { name: 'Scale' }).focus();
      await console.page.keyboard.press('Enter');
      await views.hasFocus('h2', 'Scale');
      expect(new URL(console.page.url()).hash).toBe('#scale');
    });
  });

  describe('a token that expires', () => {
    it('closes what needs it, explains it, and after the sign-in the same view is shown', async () => {
      const console = await views.open(LETTER);
      await views.dialog.getByText('3 fields differ').waitFor();
      views.origin.on('GET /v1/', { status: 401, body: { title: 'Unauthorized', detail: 'The token has expired.' } });
      const signIn = console.part('Sign in');
      await signIn.waitFor();
      await views.dialog.waitFor({ state: 'hidden' });
      await views.hasFocus('h2', 'Sign in');
      await signIn.getByLabel('token').fill('half.a-token');
      await signIn.getByRole('button', { name: 'Use token' }).click();
      await signIn.getByRole('alert').getByText('three parts, separated by dots').waitFor();
      views.origin.reset();
      answerBusy(views.origin);
      await signIn.getByLabel('token').fill('Bearer a.b.c\n');
      await signIn.getByRole('button', { name: 'Use token' }).click();
      await views.dialog.getByText('3 fields differ').waitFor();
      expect(views.origin.sent('GET /v1/dead-letters/records').at(-1)?.headers.authorization).toBe('Bearer a.b.c');
    });
  });
});
