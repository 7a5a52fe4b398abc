import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Long, UUID } from 'mongodb';
import { importRowsCollection, type ImportRow } from '#orders/imports/import-rows.js';
import { ordersCollection } from '#orders/order/order-document.js';
import type { OrderResponse } from '#orders/order/order-response.js';
import type { OrdersPage } from '../../apps/query-api/src/paging/orders-page.js';
import { eventually } from '../support/eventually.js';
import { Imports, legacyPairs, intakeOrder, sendOrders } from '../support/sent-orders.js';
import { TestSystem } from '../support/test-system.js';
import { expectedOrders, type PopulateResponse } from '../support/tested-stack.js';

const COUNT = 5_100;
const UNKNOWN_ID = '01935c9e-8a00-7000-8000-000000000001';

/** @param shared returns the pipeline that these specs share with others */
export function readingSpecs(shared: () => TestSystem): void {
  let pipeline: TestSystem;
  let operation: PopulateResponse;
  let expected: OrderResponse[];

  beforeAll(async () => {
    pipeline = shared();
    operation = await pipeline.populate({ count: COUNT, seed: 7 });
    expected = expectedOrders(operation);
    await pipeline.allSaved(operation.id);
  });

  async function query(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${pipeline.queryApiUrl}${path}`, { headers });
  }

  async function batchGet(ids: readonly string[]): Promise<{ items: OrderResponse[]; missing: string[] }> {
    const response = await fetch(`${pipeline.queryApiUrl}/v1/orders/batch-get`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ids }),
    });
    expect(response.status).toBe(200);
    return (await response.json()) as { items: OrderResponse[]; missing: string[] };
  }

  /** A filter for the numbers of the populate. */
  function ownNumbers(): string {
    return `number[gte]=${operation.firstNumber}&number[lt]=${operation.firstNumber + COUNT}`;
  }

  async function completeThrough(): Promise<number> {
    const { headers } = await query('/v1/orders?pageSize=1');
    return Number(headers.get('x-complete-through'));
  }

  it('by batch-get returns each order once, in the requested order, and lists missing ids', async () => {
    const [first, second] = [expected[11], expected[4]];
    const ids = [String(first?.id).toUpperCase(), UNKNOWN_ID, String(second?.id), String(first?.id)];
    expect(await batchGet(ids)).toEqual({ items: [first, second], missing: [UNKNOWN_ID] });
  });

  it('returns 304 for a matching ETag', async () => {
    const path = `/v1/orders/${expected[0]?.id}`;
    const etag = String((await query(path)).headers.get('etag'));
    const again = await query(path, { 'if-none-match': etag });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect((await query(`/v1/orders/${expected[1]?.id}`, { 'if-none-match': etag })).status).toBe(200);
  });

  describe('waits for an order in the pipeline', () => {
    it('and returns it as soon as it is saved', async () => {
      const id = randomUUID();
      const path = `/v1/orders/${id}`;
      expect((await query(path)).status).toBe(404);
      const waiting = query(`${path}?waitMs=10000`);
      await sendOrders(pipeline, intakeOrder({ id }));
      // A busy machine may need longer than a request may wait.
      await eventually('it is returned', async () => {
        const first = await waiting;
        return first.ok || (await query(`${path}?waitMs=10000`)).ok;
      });
    });

    it('but no longer than waitMs', async () => {
      expect((await query(`/v1/orders/${randomUUID()}?waitMs=300`)).status).toBe(404);
    });
  });

  describe('returns a watermark', () => {
    it('which is the last number once every order is saved, dead-lettered or cancelled', async () => {
      const faulty = await pipeline.populate({
        count: 400,
        seed: 3,
        faults: { poison: 0.05, conflict: 0.05, oversized: 0.02 },
      });
      await pipeline.allEnded(faulty.id);
      const { id } = await pipeline.populate({ count: 90_000, ratePerSecond: 200, chunkSize: 10 });
      await eventually('some of the orders are sent', async () => (await pipeline.operation(id)).acked > 50);
      const cancelled = (await pipeline.post<PopulateResponse>(`/v1/operations/${id}/cancel`, {})).body;
      await pipeline.allEnded(id);
      const last = cancelled.firstNumber + cancelled.count - 1;
      await eventually('the watermark is the last number', async () => (await completeThrough()) === last);
      expect(await completeThrough()).toBe(last);
    });

    it('which is never beyond a missing order', async () => {
      const slow = await pipeline.populate({ count: 900, ratePerSecond: 300, accounts: 50_000 });
      const { firstNumber } = slow;
      const short: number[] = [];
      for (let through = 0; through < firstNumber + 899;) {
        through = await completeThrough();
        const to = Math.max(through, firstNumber);
        const { body } = await pipeline.get<OrdersPage>(`/v1/orders/range?from=${firstNumber}&to=${to}&pageSize=1000`);
        if (body.items.length < through - firstNumber + 1) short.push(through);
      }
      expect(short).toEqual([]);
    });
  });

  describe('by an export', () => {
    it('returns one line of JSON per order, in the requested sort order', async () => {
      const text = await (await query(`/v1/orders/export?format=ndjson&${ownNumbers()}`)).text();
      expect(
        text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
      ).toEqual(expected);
      const down = await (await query(`/v1/orders/export?format=ndjson&sort=-number&${ownNumbers()}`)).text();
      expect(down).toBe(`${text.trimEnd().split('\n').toReversed().join('\n')}\n`);
    });

    it('resumes after a given order', async () => {
      const all = await (await query('/v1/orders/export?format=ndjson&sort=amount')).text();
      const lines = all.trimEnd().split('\n');
      const { id } = JSON.parse(String(lines[2_999])) as OrderResponse;
      const rest = await (await query(`/v1/orders/export?format=ndjson&sort=amount&after=${id}`)).text();
      expect(rest).toBe(`${lines.slice(3_000).join('\n')}\n`);
    });

    it('does not resume after an order outside of the order query', async () => {
      const [outside, inside] = [expected[4], expected[5]];
      expect(
        (await query(`/v1/orders/export?format=ndjson&number[gte]=${inside?.number}&after=${outside?.id}`)).status,
      ).toBe(400);
    });

    it('returns CSV with a header, compressed on request', async () => {
      const response = await query(`/v1/orders/export?format=csv&${ownNumbers()}`, { 'accept-encoding': 'gzip' });
      expect(response.headers.get('content-encoding')).toBe('gzip');
      expect(response.headers.get('content-disposition')).toBe('attachment; filename="orders.csv"');
      const [header, first, ...others] = (await response.text()).trimEnd().split('\r\n');
      expect(header).toBe(
        'id,number,accountId,side,symbol,quantity,price,amount,currency,createdAt,legacyNumber,legacyFilled',
      );
      const { id, number, accountId } = expected[0] ?? {};
      expect(first).toMatch(new RegExp(`^${id},${number},${accountId},`));
      expect(others).toHaveLength(COUNT - 1);
    });

    it('returns files in the legacy format, all of whose orders an import skips', async () => {
      const imports = new Imports(pipeline);
      const populated = await pipeline.populate({ count: 2_500 });
      await pipeline.allSaved(populated.id);
      await imports.imported({ 'a.json': legacyPairs(30) });
      const numbers = `number[gte]=${populated.firstNumber}&number[lt]=${populated.firstNumber + 2_530}`;
      const exported = await query(`/v1/orders/export?format=chunks&${numbers}`);
      const again = await imports.imported({ 'orders.zip': Buffer.from(await exported.arrayBuffer()) });
      expect(again.import).toMatchObject({ rows: 2_530, accepted: 0, skipped: 2_530, conflicting: 0, malformed: 0 });
    });

    it('ends when its client disconnects, and the service continues', async () => {
      const disconnect = new AbortController();
      const response = await fetch(`${pipeline.queryApiUrl}/v1/orders/export?format=ndjson`, {
        signal: disconnect.signal,
      });
      await response.body?.getReader().read();
      disconnect.abort();
      expect((await query('/health/ready')).status).toBe(200);
    });
  });

  it('advances the watermark past a number that an import did not use, since its order was saved under another', async () => {
    const stored = await ordersCollection(pipeline.db).findOne({ _id: new UUID(expected[0]?.id) });
    if (stored === null) throw new Error('the first order is not saved');
    const imports = new Imports(pipeline);
    const imported = await imports.imported({ 'left.json': legacyPairs(1) });
    const { firstNumber } = await pipeline.operation(imported.id);
    // The state after another import's copy was saved first: the row remains, but its order has another number.
    const { _id: _, ...row } = (await importRowsCollection(pipeline.db).findOne({ operationId: imported.id })) ?? {};
    await importRowsCollection(pipeline.db).deleteMany({ operationId: imported.id });
    await importRowsCollection(pipeline.db).insertOne({ ...(row as ImportRow), _id: stored._id });
    await ordersCollection(pipeline.db).deleteOne({ number: Long.fromNumber(firstNumber) });
    const after = await pipeline.populate({ count: 5 });
    await pipeline.allSaved(after.id);
    const last = after.firstNumber + 4;
    await eventually('the watermark has passed the number', async () => (await completeThrough()) === last);
    expect(await completeThrough()).toBe(last);
  });
}
