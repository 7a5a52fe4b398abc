import { createHash } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from '@jest/globals';
import { javaCompatiblePartitioner } from '#orders/topics/topics.js';
import type { OrderResponse } from '#orders/order/order-response.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { Imports, legacyPairs, zipOf, type LegacyPair } from '../support/sent-orders.js';
import { TestSystem } from '../support/test-system.js';

/**
 * @param shared returns the pipeline that these specs share with others
 * @param folder returns its folder for imports
 */
export function importsSpecs(shared: () => TestSystem, folder: () => string): void {
  let pipeline: TestSystem;
  let imports: Imports;

  beforeAll(async () => {
    pipeline = shared();
    imports = new Imports(pipeline);
  });

  it('accepts many files in one upload, and reports each', async () => {
    const rows = legacyPairs(2_500);
    const files = {
      'a.json': rows.slice(0, 1_000),
      'b/ü.json': rows.slice(1_000, 2_000),
      'c.json': rows.slice(2_000),
    };
    const answer = await imports.upload(files, { query: '?chunkSize=500' });
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(`/v1/operations/${answer.body.id}`);
    expect(answer.body).toMatchObject({ kind: 'import', status: 'running', chunkSize: 500, import: { files: 3 } });
    const operation = await imports.ended(answer.body.id);
    expect(await imports.brought(operation)).toEqual(rows);
    expect(operation.import).toEqual({
      known: 0,
      refused: 0,
      files: 3,
      rows: 2_500,
      accepted: 2_500,
      skipped: 0,
      conflicting: 0,
      malformed: 0,
    });
    expect(await imports.summary(operation.id)).toMatchObject({
      phase: 'ended',
      files: { total: 3, read: 3 },
      rows: 2_500,
    });
    const manifest = await imports.files(operation.id);
    for (const [at, [name, content]] of Object.entries(files).entries()) {
      const text = JSON.stringify(content);
      const sha256 = createHash('sha256').update(text).digest('hex');
      expect(manifest[at]).toMatchObject({
        file: at,
        name,
        sha256,
        bytes: text.length,
        rows: content.length,
        state: 'read',
      });
    }
    expect(await imports.bytesKept()).toBe(0);
  });

  it('accepts a zip archive, as the body or among other files', async () => {
    const rows = legacyPairs(30);
    const zip = await zipOf({
      'x/1.json': JSON.stringify(rows.slice(0, 10)),
      'notes.txt': 'x',
      '2.json': JSON.stringify(rows.slice(10, 20)),
    });
    const { status, body } = await imports.post(new Uint8Array(zip), {
      headers: { 'content-type': 'application/zip' },
    });
    expect(status).toBe(202);
    expect(await imports.brought(await imports.ended(body.id))).toEqual(rows.slice(0, 20));
    expect((await imports.files(body.id)).map(({ name, state, reason }) => [name, state, reason?.code])).toEqual([
      ['x/1.json', 'read', undefined],
      ['notes.txt', 'refused', 'not-json-file'],
      ['2.json', 'read', undefined],
    ]);
    const both = await imports.imported({ 'old.zip': zip, 'new.json': rows.slice(20) });
    expect(await imports.brought(both)).toEqual(rows.slice(20));
    expect((await imports.files(both.id)).map(({ state }) => state)).toEqual(['known', 'refused', 'known', 'read']);
  });

  it('imports a chunk of 5,000 orders of one partition, which is too large for one batch', async () => {
    const rows = legacyPairs(5_000);
    const partitionOf = javaCompatiblePartitioner(12);
    const accounts = Array.from({ length: 2_000 }, (_, at) => String(at).padStart(64, 'a'));
    const ofOnePartition = accounts.filter((account) => partitionOf(account) === 7);
    const file = rows.map((row, at) => ({ ...row, accountId: ofOnePartition[at % ofOnePartition.length] }));
    const { body } = await imports.upload({ 'partition.json': file }, { query: '?chunkSize=5000' });
    const ended = await imports.ended(body.id);
    expect(await imports.brought(ended)).toEqual(rows);
    const number = { $gte: Number(ended.firstNumber), $lt: Number(ended.firstNumber) + 5_000 };
    expect(await pipeline.db.collection('orders').distinct('ingest.partition', { number })).toEqual([7]);
  });

  it('accepts a folder inside the configured folder, and nothing outside of it', async () => {
    const rows = legacyPairs(20);
    await mkdir(join(folder(), '2026/02'), { recursive: true });
    await writeFile(join(folder(), '2026/01.json'), JSON.stringify(rows.slice(0, 10)));
    await writeFile(join(folder(), '2026/02/01.json'), JSON.stringify(rows.slice(10)));
    await symlink('/etc/passwd', join(folder(), '2026/passwd.json'));
    const { status, body } = await pipeline.post<OperationResponse>('/v1/imports', { folder: '2026' });
    expect(status).toBe(202);
    expect(await imports.brought(await imports.ended(body.id))).toEqual(rows);
    expect((await imports.files(body.id)).map(({ name, reason }) => [name, reason?.code])).toEqual([
      ['01.json', undefined],
      ['02/01.json', undefined],
      ['passwd.json', 'symlink'],
    ]);
    for (const wrong of [{ folder: '..' }, { folder: '2027' }, { folder: 1 }, { folder: '.', more: 1 }, null, []])
      expect((await pipeline.post('/v1/imports', wrong)).status).toBe(400);
  });

  it('skips a file that was imported before, and the same rows in another file', async () => {
    const rows = legacyPairs(50);
    const first = await imports.imported({ 'a.json': rows, 'copy.json': rows });
    expect(await imports.brought(first)).toEqual(rows);
    expect((await imports.files(first.id)).map(({ state, knownFrom }) => [state, knownFrom])).toEqual([
      ['read', null],
      ['known', first.id],
    ]);
    const again = await imports.imported({ 'b.json': rows, 'c.json': JSON.stringify(rows, null, 2) });
    expect(again).toMatchObject({
      count: 0,
      firstNumber: null,
      acked: 0,
      import: { rows: 50, accepted: 0, skipped: 50 },
    });
    expect((await imports.files(again.id)).map(({ state, knownFrom }) => [state, knownFrom])).toEqual([
      ['known', first.id],
      ['read', null],
    ]);
    const next = await pipeline.populate({ count: 1 });
    expect(next.firstNumber).toBe(Number(first.firstNumber) + 50);
    await pipeline.allSaved(next.id);
  });

  it('skips an order that is already stored with the same content, and reports one with different content', async () => {
    const populated = await pipeline.populate({ count: 3, seed: 5 });
    await pipeline.allSaved(populated.id);
    const range = `/v1/orders/range?from=${populated.firstNumber}&to=${populated.firstNumber + 2}`;
    const native = (await pipeline.walk(range)).flat();
    const [imported] = legacyPairs(1) as [LegacyPair];
    await imports.imported({ 'a.json': [imported] });
    const { body: exported } = await pipeline.get<OrderResponse>(`/v1/orders/${imported.id}`);
    const rows = [
      native[0],
      { ...native[1], side: native[1]?.side === 'buy' ? 'sell' : 'buy' },
      exported,
      { ...imported, number: 99 },
    ];
    const operation = await imports.imported({ 'again.json': rows });
    expect(operation).toMatchObject({ count: 0, import: { rows: 4, skipped: 2, conflicting: 2 } });
    expect(await imports.rejects(operation.id)).toMatchObject([
      { file: 0, fileName: 'again.json', row: 1, code: 'conflict', text: JSON.stringify(rows[1]) },
      { file: 0, row: 3, code: 'conflict' },
    ]);
    expect((await pipeline.walk(range)).flat()).toEqual(native);
  });

  it('is reconciled by its rows, and can not be reconciled once one of them is deleted', async () => {
    const rows = legacyPairs(20);
    const { id } = await imports.imported({ 'a.json': rows });
    const path = `/v1/operations/${id}/reconcile`;
    expect(await pipeline.post(path, {})).toMatchObject({
      status: 200,
      body: { verdict: 'holds', acked: 20, saved: 20 },
    });
    await pipeline.db.collection('importRows').deleteOne({ operationId: id, index: 7 });
    expect(await pipeline.post(path, {})).toMatchObject({ status: 409, body: { code: 'import-rows-gone' } });
  });

  it('is the same operation when it is retried with its Idempotency-Key', async () => {
    const rows = legacyPairs(3);
    const headers = { 'idempotency-key': `imports-${rows[0]?.id}` };
    const first = await imports.upload({ 'a.json': rows }, { headers });
    const again = await imports.upload({ 'a.json': rows }, { headers });
    expect([again.status, again.body.id]).toEqual([202, first.body.id]);
    expect(await imports.brought(await imports.ended(first.body.id))).toEqual(rows);
    const other = await imports.upload({ 'a.json': rows.slice(1) }, { headers });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency-key-reused']);
    expect(await imports.bytesKept()).toBe(0);
  });
}
