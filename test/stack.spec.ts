import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BackfillResponse } from '../apps/facade/src/backfill/backfill-response.js';
import type { VerificationResponse } from '../apps/facade/src/verify/verification-response.js';
import { eventually } from './support/eventually.js';
import { RunningStack } from './support/running-stack.js';

const A_START = 150_000;
const WITHIN_MS = 60_000;

/** @throws Error for a status of 400 and above */
async function request<R>(method: 'GET' | 'POST', url: string, body?: object): Promise<R> {
  const init = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(url, { method, ...init });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} responded with ${response.status}: ${text}`);
  return JSON.parse(text) as R;
}

describe('npm start', () => {
  let folder: string;
  let data: string;
  let stack: RunningStack;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-stack-'));
    data = join(folder, 'data');
    stack = await RunningStack.start({
      dataDirectory: data,
      by: 'npm',
      flags: ['--consumers', '2', '--save-ms', '0..10', '--legacy'],
    });
  }, A_START * 2);

  afterAll(async () => {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }, A_START);

  it('starts three servers and every app, and prints their addresses before ready', async () => {
    const names = stack
      .processes()
      .map(({ name }) => name)
      .toSorted();
    expect(names).toEqual([
      'Kafka',
      'MongoDB',
      'console',
      'consumer-1',
      'consumer-2',
      'facade',
      'legacy',
      'producer',
      'query-api',
      'schema registry',
    ]);
    const [before, after] = stack.output.split('\nready\n');
    expect(before).toContain(`${stack.producerUrl}/docs`);
    expect(before).toContain(`${stack.queryApiUrl}/docs`);
    expect(before).toContain(stack.brokers);
    expect(before).toContain(stack.registryUrl);
    expect(before).toContain(`${stack.legacyUrl}/orders/page/1`);
    expect(before).toContain(`${stack.facadeUrl}/docs`);
    expect(after).toBeDefined();
    for (const url of [stack.producerUrl, stack.queryApiUrl, stack.facadeUrl]) {
      expect((await fetch(`${url}/health/ready`)).status).toBe(200);
      expect((await fetch(`${url}/docs`)).status).toBe(200);
    }
  });

  it('rejects a second stack on the same data, and does not affect the first', async () => {
    const { code, output } = await RunningStack.fail({ dataDirectory: data });
    expect(code).toBe(1);
    expect(output).toContain(`A stack already runs on ${data}`);
    expect(stack.processes().length).toBe(10);
  }, 30_000);

  it('runs the legacy system, with its files in the data directory', async () => {
    const populated = await fetch(`${stack.legacyUrl}/populate?count=2`, { method: 'POST' });
    expect(populated.status).toBe(201);
    expect(await readdir(join(data, 'db_files'))).toEqual(['0.json']);
  });

  it('runs the facade before the legacy system: its clients change an address only', async () => {
    const [direct, through] = await Promise.all(
      [stack.legacyUrl, stack.facadeUrl].map(async (url) => (await fetch(`${url}/orders/page/1`)).text()),
    );
    expect(through).toBe(direct);
    expect(JSON.parse(direct ?? '')).toHaveLength(2);
    const mismatches = await fetch(`${stack.facadeUrl}/v1/migration/mismatches`);
    expect(await mismatches.json()).toEqual({ items: [], next: null });
  });

  it('copies the orders of the legacy system, follows its writes, and finds both sides equal', async () => {
    await request('POST', `${stack.legacyUrl}/populate?count=1998`);
    await request('POST', `${stack.facadeUrl}/v1/migration/writes`, { stage: 'dualwrite', reason: 'a test' });
    const order = { accountId: 'acc-1', side: 'buy', symbol: 'ACME', quantity: 3, price: 187.35, currency: 'EUR' };
    await request('POST', `${stack.facadeUrl}/orders`, order);
    const before = await run<VerificationResponse>('verify');
    expect(before).toMatchObject({ result: 'different', byKind: { 'missing-in-new': 2_000 } });
    const copied = await run<BackfillResponse>('backfill');
    expect(copied).toMatchObject({ result: 'imported', translated: 2_001, untranslated: 0 });
    await eventually('the imported orders are saved', WITHIN_MS, async () => {
      const states = await Promise.all(copied.operationIds.map(async (id) => stateOf(id)));
      return states.every((state) => state === 'allSaved');
    });
    expect(await run<VerificationResponse>('verify')).toMatchObject({
      result: 'equal',
      orders: { legacy: 2_001, new: 2_001 },
      differences: 0,
    });
  }, 180_000);

  /** Starts a verification or a backfill, and waits until it has ended. */
  async function run<R extends { readonly id: string; readonly status: string }>(kind: string): Promise<R> {
    const path = `${stack.facadeUrl}/v1/migration/${kind}`;
    let last = await request<R>('POST', path);
    await eventually(`${kind} has ended`, WITHIN_MS, async () => {
      last = await request<R>('GET', `${path}/${last.id}`);
      return last.status === 'ended';
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(last)}`, { cause: error });
    });
    return last;
  }

  async function stateOf(operation: string): Promise<string> {
    const { state } = await request<{ state: { code: string } }>(
      'GET',
      `${stack.producerUrl}/v1/operations/${operation}`,
    );
    return state.code;
  }

  it('stops everything within 30 s when only npm gets the signal', async () => {
    expect(await stack.stop('SIGINT')).toBe(0);
    expect(stack.output).toContain('everything has stopped');
  }, 60_000);
});
