import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { importRowsCollection } from '#orders/imports/import-rows.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { findSettledBlock } from '#orders/settled/settled-blocks.js';
import { bookkeepingOf, compacted, COMPACTED_AT_ONCE } from '../support/archives.js';
import { eventually } from '../support/eventually.js';
import { Imports, legacyPairs } from '../support/sent-orders.js';
import { TestSystem } from '../support/test-system.js';
import { reconciled } from '../support/started-app.js';

const ORDERS = 20_000;
/** Each step of a compaction is short. */
const POLL_MS = 2;

let pipeline: TestSystem;

beforeAll(async () => {
  pipeline = await TestSystem.start({ env: COMPACTED_AT_ONCE, flags: ['--no-console', '--save-ms', '0..5'] });
});

afterAll(async () => pipeline.stop());

it('a compaction that is killed at each of its steps loses nothing, and continues', async () => {
  const system = pipeline;
  const { db } = system;
  const { body } = await new Imports(pipeline).upload({ 'a.json': legacyPairs(ORDERS) });
  const { id } = body;
  const rows = async (): Promise<number> => importRowsCollection(db).countDocuments({ operationId: id });
  const block = async () => findSettledBlock(db, id, 0);
  const isVerifying = async (): Promise<boolean> => {
    const operation = await operationsCollection(db).findOne({ _id: id });
    return operation?.compaction?.lease !== undefined && operation.compaction.lease !== null;
  };
  await eventually('it verifies', isVerifying, POLL_MS);
  await pipeline.killProducer();
  expect([await block(), await rows()]).toEqual([null, ORDERS]);
  await eventually('the digest is stored', async () => (await block()) !== null, POLL_MS);
  await pipeline.killProducer();
  expect(await block()).toMatchObject({ count: ORDERS });
  const report = await reconciled(system, id);
  expect(report).toMatchObject({ verdict: 'holds', saved: ORDERS, settled: ORDERS });
  await eventually('some rows are removed', async () => (await rows()) < ORDERS, POLL_MS);
  await pipeline.killProducer();
  expect(await compacted(db, id)).toMatchObject([{ isCompacted: true, saved: ORDERS }]);
  expect(await bookkeepingOf(db, id)).toEqual({ chunks: 0, rows: 0, batches: 0, letters: 0 });
  expect(await reconciled(system, id)).toMatchObject({ code: 0, verdict: 'holds', saved: ORDERS, settled: ORDERS });
});
