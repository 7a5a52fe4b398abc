import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Long } from 'mongodb';
import type { Browser, BrowserContext } from 'playwright-core';
import { originHeaders } from '#orders/operation/record-headers.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { anOrder } from '#orders/testing/an-order.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { pipelineState } from '../support/console-requests.js';
import { eventually, HANG_GUARD_MS } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import type { PopulateResponse } from '../support/tested-stack.js';
import { quietKafka, writeRecords } from '../support/topic-writer.js';
import { launchBrowser } from './browser.js';
import { ConsolePage, SwaggerPage } from './console-page.js';

const OPERATION = '01935c9e-8a00-7000-8000-0000000000cc';
const SECRET = 'orders-demo-secret';

describe('a browser on a real pipeline', () => {
  let pipeline: TestSystem;
  let browser: Browser;
  let context: BrowserContext;
  let hosts: Set<string>;
  let failures: string[];

  beforeAll(async () => {
    browser = await launchBrowser();
    pipeline = await TestSystem.start({ flags: ['--auth', '--legacy', '--in-flight', '300', '--partitions', '8'] });
  });

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    context.setDefaultTimeout(HANG_GUARD_MS);
    hosts = new Set(['127.0.0.1', 'localhost']);
    failures = [];
    context.on('request', (request) => void hosts.add(new URL(request.url()).hostname));
    context.on('requestfailed', (request) => void failures.push(request.url()));
  });

  afterEach(async () => context.close());

  afterAll(async () => {
    await browser.close();
    await pipeline.stop();
  });

  async function signedIn(): Promise<ConsolePage> {
    const console = await ConsolePage.open(context, `${pipeline.consoleUrl}/`);
    await console.signIn('ada');
    return console;
  }

  it('needs a sign-in, populates, shows the progress until all is saved, and finds an order with its trace', async () => {
    const console = await ConsolePage.open(context, `${pipeline.consoleUrl}/`);
    expect(await console.tile('Saved')).toBe('–');
    await console.signIn('ada');
    await console.populate(3_000);
    await console.newestSays(/populate\s+all saved[^]*sent in/);
    await console.tileIs('Lag', '0records');
    const orders = console.part('Orders');
    await console.search('17');
    await orders.press('Trace');
    await orders.shows(/^partition \d, offset \d+$/);
    expect(await orders.text()).toMatch(
      /its order [\d,]+[^]*its orders [\d,]+ to [\d,]+[^]*attempt 1 started[^]*saved/,
    );
    expect([...hosts]).toEqual(['127.0.0.1', 'localhost']);
  });

  it('starts and drains consumers, and marks one that is killed and whose partitions are reassigned', async () => {
    const console = await signedIn();
    // One reading of all rows: between two, a consumer that has no partitions yet may appear.
    const rows = console.part('Partitions and consumers').locator.locator('tr:has(th.consumer)');
    const hasConsumers = async (count: number): Promise<void> =>
      eventually(`${count} consumers have partitions`, async () => {
        const texts = await rows.allInnerTexts();
        return (texts.length === count && texts.every((text) => /ready[^]*\d$/.test(text.trim()))) || texts;
      });
    await console.scale(3);
    await hasConsumers(3);
    process.kill(pipeline.process('consumer-3').pid, 'SIGKILL');
    // The banner's texts depend on how long ago it died; the specs of the live views hold each of them. The mark stays for an hour.
    const token = await tokenFor(pipeline.issuerUrl, 'orders:read');
    await eventually('the partitions of consumer-3 are reassigned', async () => {
      const { changes } = await pipelineState(pipeline, { authorization: `Bearer ${token}` });
      const crash = changes.findLast((change) => change.crash?.consumer === 'consumer-3')?.crash;
      return ((crash?.partitions ?? 0) > 0 && crash?.reassignedAfterSeconds != null) || changes;
    });
    await eventually('the chart marks the crash', async () => (await console.chart()).marks.includes('crash'));
    expect(await console.part('Scale').field('Consumers').inputValue()).toBe('3');
    await hasConsumers(3);
    await console.scale(1);
    await hasConsumers(1);
  });

  it('shows a dead letter, decoded and raw, and redrives it once its cause is fixed', async () => {
    const console = await signedIn();
    const { dialog } = console;
    const codec = await OrderCodec.connect({ url: pipeline.registryUrl });
    const blocked = anOrder({ number: 90_000_005, accountId: 'acc-blocked' });
    const blocking = { ...blocked, id: crypto.randomUUID() };
    const records = [blocking, blocked].map((order) => ({
      partition: 2,
      key: order.accountId,
      value: codec.encode(order),
      headers: originHeaders({ operationId: OPERATION, index: 4 }),
    }));
    await writeRecords(quietKafka(pipeline.brokers), ORDERS_TOPIC, records);
    const letters = console.part('Dead letters');
    await letters.locator.getByRole('heading', { name: 'conflict' }).waitFor();
    await letters.locator.getByRole('button', { name: 'Show dead letters', exact: true }).click();
    await letters.shows('record 5 of');
    await letters.follow('Show record');
    await dialog.shows('1 field differs: id.');
    expect(await dialog.text()).toMatch(/0000 {2}00 00 00 00/);
    expect(await dialog.locator.locator('tr.differs').innerText()).toMatch(
      new RegExp(`${blocked.id}\\s+${blocking.id}`),
    );
    await dialog.press('Close');
    await ordersCollection(pipeline.db).deleteMany({ accountId: blocked.accountId });
    await letters.button('Redrive…').first().click();
    await dialog.shows('1 dead letter would be sent: 1 conflict.');
    await dialog.press('Redrive 1 dead letter');
    await console.newestSays(/1 moved = 1 saved \+ 0 returned/);
    await letters.shows('The redrive: all saved.');
    await letters.shows('No pending dead letters.');
  });

  it('moves the writes of a real facade to both sides, in the name of the user', async () => {
    const console = await signedIn();
    await console.goTo('Migration');
    await console.article('Writes').press('Promote');
    await console.dialog.fill('Reason', 'first accounts');
    await console.dialog.press('Move to dualwrite at 100 %');
    await console.article('Writes').shows('dualwrite at 100 %');
    const entry = /changed: writes, off → dualwrite at 100 % ada first accounts/;
    await console.page.getByRole('row', { name: entry }).waitFor();
    expect(await console.problemsAt(1_280)).toEqual([]);
  });

  it('shows that it is not connected after a kill of the console, and reconnects to the next one', async () => {
    const console = await signedIn();
    process.kill(pipeline.process('console').pid, 'SIGKILL');
    await console.page.getByRole('status').getByText('not connected').waitFor();
    expect(await console.tile('Saved')).toBe('–');
    await console.isLive();
    await eventually('the figures are shown again', async () => (await console.tile('Saved')) !== '–');
  });

  it('forgets the token at a sign-out, and reports that another token lacks a scope', async () => {
    const console = await signedIn();
    await console.all.press('Sign out');
    const signIn = console.part('Sign in');
    const useTokenFor = async (scope: string): Promise<void> => {
      await signIn.fill('token', await tokenFor(pipeline.issuerUrl, scope));
      await signIn.press('Use token');
    };
    await signIn.shows(/You signed out/);
    expect(await console.tile('Saved')).toBe('–');
    await useTokenFor('orders:write');
    await signIn.shows('does not have the scope orders:read');
    await useTokenFor('orders:read');
    await console.isLive();
    await console.goTo('Migration');
    await console.all.alerts('does not have the scope ops:migrate');
  });

  it('has Swagger UIs, which populate with client credentials, and read after a login', async () => {
    const body = '{"count": 40}';
    const anonymous = await SwaggerPage.open(context, `${pipeline.producerUrl}/docs`);
    expect((await anonymous.execute('post', '/v1/populate', { body })).status).toBe('401');
    const producer = await SwaggerPage.open(context, `${pipeline.producerUrl}/docs`);
    await producer.authorizeClient(SECRET);
    const populated = await producer.execute('post', '/v1/populate', { body });
    expect([populated.status, populated.body]).toEqual(['202', expect.objectContaining({ count: 40 })]);
    const { firstNumber } = populated.body as PopulateResponse;
    const numbers = { from: String(firstNumber), to: String(firstNumber + 2) };
    const saved = ordersCollection(pipeline.db);
    await eventually(
      'all orders are saved',
      async () => (await saved.countDocuments({ number: { $gte: Long.fromNumber(firstNumber) } })) >= 40,
    );
    const queryApi = await SwaggerPage.open(context, `${pipeline.queryApiUrl}/docs`);
    await queryApi.logIn(SECRET, 'ada');
    const range = await queryApi.execute('get', '/v1/orders/range', numbers);
    const { items } = range.body as { items: { id: string; number: number }[] };
    expect(items.map(({ number }) => number)).toEqual([firstNumber, firstNumber + 1, firstNumber + 2]);
    const order = await queryApi.execute('get', '/v1/orders/{id}', { id: String(items[0]?.id) });
    expect([order.status, order.body]).toEqual(['200', items[0]]);
    const page = await queryApi.execute('get', '/v1/orders', { page: '2', pageSize: '10' });
    expect([page.status, page.body]).toEqual(['200', expect.objectContaining({ items: expect.any(Array) })]);
    // They need no other host.
    expect([[...hosts], failures]).toEqual([['127.0.0.1', 'localhost'], []]);
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
