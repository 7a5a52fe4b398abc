import { beforeAll, describe, expect, it } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import { orderGenerator } from '#orders/generator/generator.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { originHeaders } from '#orders/operation/record-headers.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { eventually } from '../support/eventually.js';
import { quietKafka, writeRecords } from '../support/topic-writer.js';
import { BrowsedPipeline } from './browsed-pipeline.js';
import { ConsolePage } from './console-page.js';

const OPERATION = '01935c9e-8a00-7000-8000-0000000000cc';
const COUNT = 3_000;

describe('the page of the console', () => {
  const real = BrowsedPipeline.forSuite('--auth', '--legacy', '--in-flight', '300', '--partitions', '8');
  let context: BrowserContext;
  let console: ConsolePage;
  const hosts = new Set<string>();

  beforeAll(async () => {
    context = await real.browser.newContext({ viewport: { width: 1280, height: 900 } });
    context.on('request', (request) => void hosts.add(new URL(request.url()).host));
    console = await ConsolePage.open(context, `${real.pipeline.consoleUrl}/`);
  });

  it('requires a sign-in, and then shows the pipeline live', async () => {
    expect(await console.tile('Saved')).toBe('–');
    await console.signIn('ada');
    await eventually('the figures are shown', async () => (await console.tile('Saved')) === '0/s');
    expect(await console.consumers()).toEqual(['consumer-1']);
    expect([...hosts].map((host) => host.split(':')[0])).not.toContainEqual(expect.stringMatching(/[a-z]+[.]/));
  });

  it('populates, and shows the progress until the lag is 0', async () => {
    await console.populate(COUNT);
    await eventually('orders are in flight', async () => (await console.figure('In flight')) > 0);
    await console.newestSays(/3,000 saved/);
    await eventually('the lag is 0', async () => (await console.figure('Lag')) === 0);
    expect(await console.newest()).toMatch(/populate\s+all saved[^]*sent in/);
  });

  it('shows what is invalid in a request', async () => {
    await console.part('Populate').getByLabel('Seed').fill('9007199254740993');
    await console.populate(10);
    const alert = console.part('Populate').getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/Seed must be a whole number from 0/);
    await console.part('Populate').getByLabel('Seed').fill('');
  });

  it('cancels a running operation', async () => {
    await console.populate(9_000_000);
    await console.newestSays(/sending/);
    await console.part('Populate').getByRole('button', { name: 'Cancel' }).first().click();
    const dialog = console.page.getByRole('dialog');
    await dialog.getByText('the others will never be sent').waitFor();
    await dialog.getByRole('button', { name: 'Cancel operation' }).click();
    await console.newestSays(/cancelled/);
    expect(await console.part('Populate').getByRole('button', { name: 'Cancel' }).count()).toBe(0);
  });

  it('shows a dead letter, decoded and raw, and redrives it once its cause is fixed', async () => {
    const orderAt = orderGenerator({
      operationId: OPERATION,
      seed: 3,
      count: 10,
      firstNumber: 90_000_001,
      accounts: 5,
      from: new Date('2026-01-01T00:00:00Z'),
      to: new Date('2026-01-02T00:00:00Z'),
    });
    const codec = await OrderCodec.connect({ url: real.pipeline.registryUrl });
    const order = orderAt(4);
    const [blocking, blocked] = [{ ...order, id: crypto.randomUUID() }, order];
    const records = [blocking, blocked].map((each) => ({
      partition: 2,
      key: each.accountId,
      value: codec.encode(each),
      headers: originHeaders({ operationId: OPERATION, index: 4 }),
    }));
    await writeRecords(quietKafka(real.pipeline.brokers), ORDERS_TOPIC, records);
    const letters = console.part('Dead letters');
    await letters.getByRole('heading', { name: 'conflict' }).waitFor({ timeout: 60_000 });
    await letters.getByRole('button', { name: 'Show letters', exact: true }).click();
    await letters.getByText('record 5 of').waitFor();
    await letters.getByRole('link', { name: 'Show record' }).click();
    const dialog = console.page.getByRole('dialog');
    await dialog.getByText('1 field differs: id.').waitFor();
    expect(await dialog.locator('tr.differs').innerText()).toMatch(new RegExp(`${order.id}\\s+${blocking.id}`));
    expect(await dialog.innerText()).toMatch(/0000 {2}00 00 00 00/);
    await dialog.getByRole('button', { name: 'Close' }).click();

    await ordersCollection(real.pipeline.db).deleteMany({ accountId: order.accountId, symbol: order.symbol });
    await letters.getByRole('button', { name: 'Redrive…' }).first().click();
    await dialog.getByText('1 letter would be sent: 1 conflict.').waitFor();
    await dialog.getByRole('button', { name: 'Redrive 1 letter' }).click();
    await console.newestSays(/1 moved = 1 saved \+ 0 returned/);
    await letters.getByText('The redrive: all saved.').waitFor({ timeout: 20_000 });
    await letters.getByText('No pending dead letters.').waitFor({ timeout: 20_000 });
  });

  it('finds an order, and shows its trace', async () => {
    const orders = console.part('Orders');
    await orders.getByLabel(/Id, number/).fill('17');
    await orders.getByRole('button', { name: 'Find' }).click();
    await orders.getByRole('button', { name: 'Trace' }).click();
    await orders.getByText(/partition \d, offset \d+/).waitFor();
    expect(await orders.innerText()).toMatch(/its order 17[^]*its orders 1 to 1,000[^]*at attempt 1/);
    await orders.getByLabel(/Id, number/).fill('3');
    await orders.getByRole('button', { name: 'Find' }).click();
    await orders.getByRole('rowheader', { name: '3', exact: true }).waitFor();
    await orders.getByLabel(/Id, number/).fill('page 100,000');
    await orders.getByRole('button', { name: 'Find' }).click();
    await orders.getByRole('link', { name: /Show the last page, [\d,]+/ }).click();
    await orders.getByText('the last one').waitFor({ state: 'attached' });
    await orders.getByLabel(/Id, number/).fill(crypto.randomUUID());
    await orders.getByRole('button', { name: 'Find' }).click();
    await orders.getByText('Order not found.').waitFor();
    const [operation] = await real.pipeline.db.collection('operations').find().sort({ _id: 1 }).limit(1).toArray();
    await orders.getByLabel(/Id, number/).fill(String(operation?._id));
    await orders.getByRole('button', { name: 'Find' }).click();
    await console.page.getByRole('dialog').getByText('all saved').waitFor();
    await console.page.keyboard.press('Escape');
  });

  it('has checked off the steps of the guide that were taken: all but the scaling', async () => {
    await console.part('First steps').getByText('3 of 4 done').waitFor({ timeout: 10_000 });
    await console.page.getByRole('button', { name: 'Hide guide' }).click();
    await console.page.getByRole('button', { name: 'Show guide' }).waitFor();
    expect(await console.part('First steps').count()).toBe(0);
  });

  it('discards a dead letter, after it was counted', async () => {
    await writeRecords(quietKafka(real.pipeline.brokers), ORDERS_TOPIC, [
      { partition: 2, key: 'a', value: Buffer.from('no order') },
    ]);
    const letters = console.part('Dead letters');
    await letters.getByRole('button', { name: 'Discard… all of not-wire-format' }).click({ timeout: 60_000 });
    const dialog = console.page.getByRole('dialog');
    await dialog.getByText('1 pending letter will be discarded').waitFor();
    await dialog.getByRole('button', { name: 'Discard letters' }).click();
    await letters.getByText('No pending dead letters.').waitFor({ timeout: 20_000 });
    const states = await real.pipeline.db
      .collection('deadLetters')
      .distinct('state', { 'error.code': 'not-wire-format' });
    expect(states).toEqual(['discarded']);
  });

  it('moves the writes of a real facade to both sides, in the name of the user', async () => {
    const { page } = console;
    await page.getByRole('navigation').getByRole('link', { name: 'Migration' }).click();
    const writes = page.getByRole('article', { name: 'Writes', exact: true });
    await writes.getByRole('button', { name: 'Promote' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('first accounts');
    await page.getByRole('dialog').getByRole('button', { name: 'Move to dualwrite at 100 %' }).click();
    await writes.getByText('dualwrite at 100 %').waitFor();
    await page.getByRole('row', { name: /changed: writes, off → dualwrite at 100 % ada first accounts/ }).waitFor();
    expect(await console.violations()).toEqual([]);
    await page.getByRole('navigation').getByRole('link', { name: 'Now' }).click();
    await console.part('Now').waitFor();
  });

  it.each<['light' | 'dark', number]>([
    ['light', 1_280],
    ['dark', 1_280],
    ['light', 390],
  ])('has no accessibility violations: %s, %i px wide', async (colorScheme, width) => {
    await console.page.emulateMedia({ colorScheme });
    await console.page.setViewportSize({ width, height: 900 });
    expect(await console.violations()).toEqual([]);
    expect(await console.overflow()).toBeLessThanOrEqual(0);
  });

  it('shows that it is not connected after a kill of the console, and reconnects to the next one', async () => {
    process.kill(real.pipeline.process('console').pid, 'SIGKILL');
    await console.page.getByRole('status').getByText('not connected').waitFor({ timeout: 20_000 });
    expect(await console.tile('Saved')).toBe('–');
    await console.isLive();
    await eventually('the figures are shown again', async () => (await console.tile('Saved')) !== '–');
  });

  it('forgets the token at a sign-out, and reports that another token lacks the scope to read', async () => {
    await console.page.getByRole('button', { name: 'Sign out' }).click();
    const signIn = console.part('Sign in');
    expect(await signIn.innerText()).toMatch(/You signed out/);
    expect(await console.tile('Saved')).toBe('–');
    await signIn.getByLabel('token').fill(await tokenFor(real.pipeline.issuerUrl, 'orders:write'));
    await signIn.getByRole('button', { name: 'Use token' }).click();
    await signIn.getByText('does not have the scope orders:read').waitFor();
    await signIn.getByLabel('token').fill(await tokenFor(real.pipeline.issuerUrl, 'orders:read'));
    await signIn.getByRole('button', { name: 'Use token' }).click();
    await console.isLive();
    await console.page.getByRole('navigation').getByRole('link', { name: 'Migration' }).click();
    await console.page.getByRole('alert').getByText('does not have the scope ops:migrate').waitFor();
  });
});

async function tokenFor(issuerUrl: string, scope: string): Promise<string> {
  const response = await fetch(`${issuerUrl}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('orders-demo:orders-demo-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}
