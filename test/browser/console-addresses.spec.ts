import { describe, expect, it } from '@jest/globals';
import { aPipeline } from '../../apps/console/src/pipeline/testing/a-pipeline.js';
import { eventually } from '../support/eventually.js';
import { answerBusy, LETTER_ID, OPERATION, ORDER_ID, REDRIVE, UNKNOWN_ID } from './scripted-origin.js';
import { ScriptedConsole } from './scripted-console.js';

/** That of the window. */
const HEIGHT = 900;
const LETTER = `#letters/${LETTER_ID}`;
const NOTHING_HERE = 'This page has nothing at';

describe('the addresses of the console', () => {
  const views = ScriptedConsole.forSuite();

  it('show a dead letter after a reload, and its section once it is closed', async () => {
    const console = await views.open(LETTER);
    await console.dialog.shows('3 fields differ');
    await console.reload();
    await console.dialog.shows('3 fields differ');
    await console.page.keyboard.press('Escape');
    await console.hashIs('#letters');
    await console.dialog.isClosed();
    expect(views.errors).toEqual([]);
  });

  it('go back and forward between two searches and an operation', async () => {
    const console = await views.open('#orders?find=acme', (origin) => {
      answerBusy(origin);
      origin.answer({ 'GET /v1/orders': { items: [], page: { number: 1, size: 20 } } });
    });
    const orders = console.part('Orders');
    await orders.shows('no saved orders with the symbol “ACME”');
    await console.search('globex');
    await orders.shows('“GLOBEX”');
    await console.part('Test orders').follow(REDRIVE);
    await console.dialog.shows('208 moved = 0 saved + 208 returned');
    await console.page.goBack();
    await console.dialog.isClosed();
    await console.hashIs('#orders?find=globex');
    await console.page.goBack();
    await orders.shows('“ACME”');
    expect(await orders.field(/Id, number/).inputValue()).toBe('acme');
    await console.page.goForward();
    await orders.shows('“GLOBEX”');
    expect(views.errors).toEqual([]);
  });

  it('show their section on a phone, although the sections above it grow later', async () => {
    const later = aPipeline();
    const empty = { ...later, partitions: [], consumers: [] };
    const console = await views.open(
      '#orders?find=acme',
      (origin) => {
        answerBusy(origin);
        origin.show(empty);
      },
      390,
    );
    const consumers = console.part('Partitions and consumers');
    const top = async (): Promise<number> => (await console.part('Orders').locator.boundingBox())?.y ?? Number.NaN;
    const isInWindow = async (): Promise<boolean> => (await top()) > 0 && (await top()) < HEIGHT - 100;
    await eventually('the section is shown', isInWindow);
    views.origin.show(later);
    await consumers.locator.getByText('consumer-1').first().waitFor();
    await eventually('the section is shown again', isInWindow);
    await console.page.mouse.wheel(0, -1_000);
    await eventually('the user has scrolled away', async () => (await top()) > HEIGHT);
    views.origin.show(empty);
    await consumers.shows('No consumer runs');
    expect(await isInWindow()).toBe(false);
  });

  it('link to an order, with its trace and its number in the operation', async () => {
    const orders = (await views.open(`#orders/${ORDER_ID}`)).part('Orders');
    await orders.shows('its order 12,544');
    expect(await orders.text()).toMatch(/187,350\.0000 USD[^]*its orders 12,001 to 13,000/);
    // The browser is in New York.
    expect(await orders.text()).toMatch(/2026-01-31 12:00:00 UTC/);
  });

  it.each([
    [`#operations/${UNKNOWN_ID}`, 'There is no operation with this id'],
    ['#letters/nothing', 'There is no dead letter with this id'],
    [`#orders/${UNKNOWN_ID}`, 'Order not found'],
    ['#orders?find=2026-01', 'is neither a day'],
    ['#orders/abc', '“abc” is not the id of an order'],
    ['#operations/abc', '“abc” is not the id of an operation'],
    ['#nope', 'This page has nothing at “#nope”. Choose a section in the header'],
  ])('of something that does not exist say so: %s', async (hash, text) => {
    const console = await views.open(hash, (origin) => {
      answerBusy(origin);
      for (const path of [`orders/${UNKNOWN_ID}`, 'dead-letters/records/nothing'])
        origin.on(`GET /v1/${path}`, { status: 404, body: {} });
    });
    await console.all.alerts(text);
    await console.page.keyboard.press('Escape');
    await console.page.getByRole('link', { name: 'Scale' }).first().click();
    await console.hashIs('#scale');
    await console.page.getByText(NOTHING_HERE).waitFor({ state: 'detached' });
    expect(views.errors).toEqual([]);
  });

  it('that select nothing scroll to the message and focus it, also when another one did before', async () => {
    const console = await views.open('#orders');
    const message = console.page.getByRole('alert').getByText(NOTHING_HERE);
    await console.hasFocus('h2', 'Orders');
    for (const hash of ['#nope', '#scale/4']) {
      await console.page.mouse.wheel(0, 10_000);
      await eventually('the page is scrolled down', async () => console.page.evaluate('scrollY > 500'));
      await console.page.evaluate(`location.hash = '${hash}'`);
      await console.hasFocus('[role=alert]', hash);
      await eventually('the message is in the window', async () => {
        const { y = Number.NaN, height = 0 } = (await message.boundingBox()) ?? {};
        return y >= 0 && y + height <= HEIGHT;
      });
      await console.page.keyboard.press('Tab');
      await console.hasFocus('a', 'search for an order');
    }
    expect(views.errors).toEqual([]);
  });

  it('filter the dead letters by an operation, and explain why they are more than its missing orders', async () => {
    const console = await views.open(`#operations/${OPERATION}`);
    await console.dialog.shows('189 orders, and 208 extra records');
    await console.dialog.follow('397 pending dead letters');
    await console.hashIs(`#letters?operation=${OPERATION}`);
    await console.part('Dead letters').shows('Only those of operation');
    expect(views.origin.sent(`GET /v1/dead-letters?operationId=${OPERATION}`).length).toBeGreaterThan(0);
  });

  it('keep the keyboard in a dialog, which it closes, and return it to where it was', async () => {
    const console = await views.open('#letters?error=conflict');
    await console.page.getByRole('link', { name: `Show record of ${LETTER_ID}` }).focus();
    await console.page.keyboard.press('Enter');
    await console.dialog.shows('3 fields differ');
    for (let pressed = 0; pressed < 12; pressed += 1) {
      await console.page.keyboard.press('Tab');
      // After the last element come the browser's own controls, and nothing of what is behind the dialog.
      const inDialog = console.page.locator(':is(dialog, dialog *):focus');
      expect(await console.page.locator(':focus').count()).toBe(await inDialog.count());
    }
    await console.page.keyboard.press('Escape');
    await console.hasFocus('a', LETTER_ID);
    await console.hashIs('#letters?error=conflict');
  });

  it('reach a section by its link with the keyboard', async () => {
    const console = await views.open();
    await console.page.getByRole('navigation').getByRole('link', { name: 'Scale' }).focus();
    await console.page.keyboard.press('Enter');
    await console.hasFocus('h2', 'Scale');
    await console.hashIs('#scale');
    expect(views.errors).toEqual([]);
  });

  it('are kept when a token expires: what needs it closes, and after the sign-in the same view is shown', async () => {
    const console = await views.open(LETTER);
    await console.dialog.shows('3 fields differ');
    views.origin.on('GET /v1/', { status: 401, body: { title: 'Unauthorized', detail: 'The token has expired.' } });
    const signIn = console.part('Sign in');
    await signIn.locator.waitFor();
    await console.dialog.isClosed();
    await console.hasFocus('h2', 'Sign in');
    await signIn.fill('token', 'half.a-token');
    await signIn.press('Use token');
    await signIn.alerts('three parts, separated by dots');
    views.origin.reset();
    answerBusy(views.origin);
    await signIn.fill('token', 'Bearer a.b.c\n');
    await signIn.press('Use token');
    await console.dialog.shows('3 fields differ');
    expect(views.origin.sent('GET /v1/dead-letters/records').at(-1)?.headers.authorization).toBe('Bearer a.b.c');
  });
});
