import { readFile } from 'node:fs/promises';
import { betweenTries, eventually } from '../support/eventually.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { UUID, type ObjectId } from 'mongodb';
import { NumberText } from '#legacy/json/strict-json.js';
import { legacyOrder } from '#legacy/row/legacy-order.js';
import type { LegacyOrder } from '#orders/order/order.js';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { RowAcceptance } from '../../apps/producer/src/imports/row-acceptance.js';
import { Imports, legacyPairs, type LegacyPair } from '../support/sent-orders.js';
import { TestSystem } from '../support/test-system.js';

/** Polls a process's resident memory until `end` is called. @returns the maximum in MiB, from `end` */
function watchMemory(pid: number): { end: () => Promise<number> } {
  const stop = new AbortController();
  const watching = (async () => {
    let most = 0;
    while (!stop.signal.aborted) {
      most = Math.max(most, Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
      await betweenTries(25, stop.signal);
    }
    return most;
  })();
  return {
    end: async () => {
      stop.abort();
      return watching;
    },
  };
}

describe('an import', () => {
  let pipeline: TestSystem;
  let imports: Imports;

  beforeAll(async () => {
    pipeline = await TestSystem.start({ flags: ['--no-console', '--save-ms', '0..5'] });
    imports = new Imports(pipeline);
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  async function isUnderWay(id: string, step: (summary: { rows: number; phase: string }, acked: number) => boolean) {
    await eventually('the import has reached the step', async () => {
      const [summary, { acked }] = await Promise.all([imports.summary(id), pipeline.operation(id)]);
      return step(summary, acked);
    });
  }

  it('whose producer is killed while it reads, and again while it emits, imports every row exactly once', async () => {
    const rows = legacyPairs(24_000);
    const { body } = await imports.upload(filesOf(rows, 9_000), { query: '?ratePerSecond=4000' });
    await isUnderWay(body.id, (summary) => summary.phase === 'reading' && summary.rows > 2_000);
    await pipeline.killProducer();
    await isUnderWay(body.id, (summary, acked) => summary.phase === 'emitting' && acked > 0);
    expect((await pipeline.operation(body.id)).acked).toBeLessThan(24_000);
    await pipeline.killProducer();
    const operation = await imports.ended(body.id);
    expect(operation).toMatchObject({
      count: 24_000,
      deadLettered: 0,
      import: { files: 3, rows: 24_003, accepted: 24_000, skipped: 0, conflicting: 0, malformed: 3 },
    });
    expect(await imports.brought(operation)).toEqual(rows);
    expect((await imports.rejects(body.id)).map(({ file, row }) => [file, row])).toEqual([
      [0, 9_000],
      [1, 9_000],
      [2, 6_000],
    ]);
  });

  it('that is paused and cancelled while it reads leaves nothing, and the same files can be imported again', async () => {
    const rows = legacyPairs(30_000);
    const files = filesOf(rows, 15_000);
    const { body: first } = await imports.upload(files);
    await isUnderWay(first.id, ({ rows: read }) => read > 0);
    const control = async (what: string): Promise<unknown> =>
      (await fetch(`${pipeline.producerUrl}/v1/operations/${first.id}/${what}`, { method: 'POST' })).json();
    expect(await control('pause')).toMatchObject({ status: 'paused', count: null });
    const { rows: read } = await imports.summary(first.id);
    expect(await control('resume')).toMatchObject({ status: 'running' });
    await isUnderWay(first.id, (summary) => summary.rows > read);
    expect(await control('cancel')).toMatchObject({ status: 'cancelled', acked: 0 });
    await eventually('its files are removed', async () => (await imports.bytesKept()) === 0);
    const { body: second } = await imports.upload(files);
    const operation = await imports.ended(second.id);
    expect(operation.import).toMatchObject({ rows: 30_002, accepted: 30_000, skipped: 0, malformed: 2 });
    expect(await imports.brought(operation)).toEqual(rows);
  });

  it('that is cancelled while it emits keeps the acknowledged orders, and a second import adds the rest', async () => {
    const rows = legacyPairs(6_000);
    const { body: first } = await imports.upload({ 'a.json': rows }, { query: '?ratePerSecond=1000' });
    await isUnderWay(first.id, (summary, acked) => summary.phase === 'emitting' && acked > 0);
    const cancelled = await pipeline.post(`/v1/operations/${first.id}/cancel`, {});
    const { acked } = cancelled.body as { acked: number };
    expect(acked).toBeGreaterThan(0);
    expect(acked).toBeLessThan(6_000);
    const { body: second } = await imports.upload({ 'b.json': JSON.stringify(rows, null, 1) });
    const rest = await imports.ended(second.id);
    expect(rest).toMatchObject({ acked: 6_000 - acked, import: { accepted: 6_000 - acked, skipped: acked } });
    const kept = await imports.brought(await pipeline.allEnded(first.id));
    expect([...kept, ...(await imports.brought(rest))]).toEqual(rows);
    for (const id of [first.id, second.id])
      expect(await pipeline.post(`/v1/operations/${id}/reconcile`, {})).toMatchObject({ body: { verdict: 'holds' } });
  });

  it('concurrent with another import of the same rows imports each row once', async () => {
    const rows = legacyPairs(6_000);
    const answers = await Promise.all([
      imports.upload({ 'a.json': rows }),
      imports.upload({ 'b.json': JSON.stringify(rows, null, 1) }),
    ]);
    const [first, second] = await Promise.all(answers.map(async ({ body }) => imports.ended(body.id)));
    expect(Number(first?.import?.accepted) + Number(second?.import?.accepted)).toBe(6_000);
    expect(Number(first?.import?.skipped) + Number(second?.import?.skipped)).toBe(6_000);
    const ids = rows.map(({ id }) => new UUID(id) as never);
    expect(await pipeline.db.collection('orders').countDocuments({ _id: { $in: ids } })).toBe(6_000);
  });

  it('whose rows another import sends too is saved once, without dead letters', async () => {
    const rows = legacyPairs(500);
    const consumer = pipeline.process('consumer-1').pid;
    process.kill(consumer, 'SIGSTOP');
    const { body: first } = await imports.upload({ 'a.json': rows });
    await eventually(
      'the rows of the first import are sent',
      async () => (await pipeline.operation(first.id)).acked === 500,
    );
    // The state after a producer that lost its lease without noticing it.
    await pipeline.db.collection('importRows').deleteMany({ operationId: first.id });
    const { body: second } = await imports.upload({ 'b.json': JSON.stringify(rows, null, 1) });
    await eventually(
      'the rows of the second import are sent',
      async () => (await pipeline.operation(second.id)).acked === 500,
    );
    process.kill(consumer, 'SIGCONT');
    expect(await imports.brought(await imports.ended(first.id))).toEqual(rows);
    const last = await pipeline.populate({ count: 1 });
    await pipeline.allSaved(last.id);
    expect(await pipeline.operation(second.id)).toMatchObject({ acked: 500, saved: 0, deadLettered: 0 });
  });

  it('whose staged bytes were deleted fails with an error code', async () => {
    const { body: filler } = await imports.upload({ 'filler.json': legacyPairs(20_000) });
    const { body } = await imports.upload({ 'a.json': legacyPairs(10) });
    await pipeline.db.collection('importFiles.chunks').deleteMany({ files_id: await contentOf(body.id) });
    await eventually('the import has failed', async () => (await pipeline.operation(body.id)).status === 'failed');
    expect((await pipeline.operation(body.id)).error).toMatchObject({ code: 'staged-bytes-gone' });
    await imports.ended(filler.id);
  });

  it('that an earlier reader still writes to keeps its rows and their indexes', async () => {
    const mongo = new Mongo(pipeline.mongodbUri, 'tests');
    const intake = new RowAcceptance(mongo, ArchivedIds.of(mongo.db, ArchivedList.of(mongo.db)));
    const operationId = 'an import';
    await pipeline.db
      .collection('operations')
      .insertOne({ _id: operationId as never, kind: 'import', status: 'paused' });
    const batch = legacyPairs(3).map((pair, row) => ({ order: orderOf(pair), source: { file: 0, row } }));
    const earlier = { operationId, epoch: 1, nextIndex: 0 };
    await intake.take(batch, earlier);
    // The order of the first row is stored by now, so that the later reader takes only the other rows.
    expect(await intake.take(batch.slice(1), { ...earlier, epoch: 2 })).toEqual(['accepted', 'accepted']);
    await intake.forget(earlier);
    const rows = await pipeline.db.collection('importRows').find({ operationId }).sort({ index: 1 }).toArray();
    expect(rows.map(({ _id, index, epoch }) => [String(_id), Number(index), epoch])).toEqual(
      batch.slice(1).map(({ order }, at) => [order.id, at, 2]),
    );
    await mongo.client.close();
  });

  it('whose client disconnects during the upload leaves nothing', async () => {
    await expect(imports.uploadStream('a.json', brokenOff())).rejects.toThrow(/fetch failed/);
    await eventually('no bytes are kept', async () => (await imports.bytesKept()) === 0);
  });

  it('needs the same memory for 150 MiB with a line of 90 MiB as for a tenth of that', async () => {
    const small = await peakMemoryOf(100, 9);
    const large = await peakMemoryOf(1_000, 90);
    expect(large - small).toBeLessThan(64);
  });

  /** Imports a file with rows of 60 KiB, mostly blanks, and one oversized line. @returns the producer's peak memory, in MiB */
  async function peakMemoryOf(count: number, lineMiB: number): Promise<number> {
    const rows = legacyPairs(count);
    const watch = watchMemory(pipeline.process('producer').pid);
    const { body } = await imports.uploadStream('huge.json', hugeFile(rows, lineMiB));
    const operation = await imports.ended(body.id);
    const peak = await watch.end();
    expect(operation.import).toMatchObject({ rows: count + 1, accepted: count, malformed: 1 });
    expect(await imports.rejects(body.id)).toMatchObject([{ row: count, code: 'row-too-large' }]);
    expect(await imports.brought(operation)).toEqual(rows);
    return peak;
  }

  async function contentOf(id: string): Promise<ObjectId> {
    const [file] = await pipeline.db.collection('importManifest').find({ '_id.operationId': id }).toArray();
    return file?.['content'] as ObjectId;
  }
});

function orderOf({ id, number }: LegacyPair): LegacyOrder {
  const read = legacyOrder({ id, number: new NumberText(String(number)) });
  if ('reason' in read) throw new Error(read.reason.detail);
  return read.order;
}

async function* hugeFile(rows: readonly LegacyPair[], lineMiB: number): AsyncGenerator<Buffer> {
  const blanks = ' '.repeat(60 * 1024);
  for (const [at, { id, number }] of rows.entries())
    yield Buffer.from(`${at === 0 ? '[' : ','}{"id": "${id}", ${blanks}"number": ${number}}`);
  yield Buffer.from(',"');
  for (let sent = 0; sent < lineMiB; sent += 1) yield Buffer.alloc(1024 * 1024, 'x');
  yield Buffer.from('"]');
}

async function* brokenOff(): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < 40; sent += 1) yield Buffer.alloc(100_000, ' ');
  throw new Error('the client disconnects');
}

/** Files of rows, each with one malformed row at the end. */
function filesOf(rows: readonly LegacyPair[], size: number): Record<string, unknown> {
  const files: Record<string, unknown> = {};
  for (let from = 0; from < rows.length; from += size)
    files[`${from}.json`] = [...rows.slice(from, from + size), { id: 'none' }];
  return files;
}
