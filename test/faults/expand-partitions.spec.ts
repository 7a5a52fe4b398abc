import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Long } from 'mongodb';
import { chunksCollection } from '#orders/operation/acknowledged-chunks.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { earlierPartitions, partitionsAt, topicPartitionsCollection } from '#orders/topics/topic-partitions.js';
import { InsertWatch, KeyOrder, type Insert } from '../chaos/inserts.js';
import { runDocumented } from '../support/documented/run-documented.js';
import { eventually } from '../support/eventually.js';
import { ExtraProducer, runApp, startApp, type Run, reconciled } from '../support/started-app.js';
import { IntakeClient, intakeOrder } from '../support/sent-orders.js';
import { TestSystem } from '../support/test-system.js';

const CLIENTS = 6;
const HOLDS = { code: 0, verdict: 'holds', missing: 0, doubled: 0, altered: 0, phantom: 0, pending: 0 };
const ONE_BROKER = { TOPIC_REPLICATION_FACTOR: '1', TOPIC_MIN_INSYNC_REPLICAS: '1' };

/** Sends an order to a producer. @returns the status of the answer */
async function send(url: string): Promise<number> {
  const response = await fetch(`${url}/v1/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(intakeOrder({ accountId: 'probe' })),
  });
  return response.status;
}

describe('npm run admin -- topics expand, while producers and consumers work', () => {
  let pipeline: TestSystem;
  let other: ExtraProducer;

  beforeAll(async () => {
    pipeline = await TestSystem.start({ flags: ['--no-console', '--consumers', '2', '--save-ms', '0..20'] });
    other = await ExtraProducer.start(pipeline);
  });

  afterAll(async () => {
    await other?.kill();
    await pipeline?.stop();
  });

  const settings = (): NodeJS.ProcessEnv => {
    const { brokers, mongodbUri } = pipeline;
    return { ...ONE_BROKER, KAFKA_BROKERS: brokers, MONGODB_URI: mongodbUri };
  };

  const expand = async (...args: string[]): Promise<Run> => runApp('admin', settings(), 'topics', 'expand', ...args);

  /** Starts an expansion that waits for the consumers. */
  async function startStuck(): Promise<ReturnType<typeof startApp>> {
    await eventually('an order is sent', async () => (await send(pipeline.producerUrl)) === 202);
    const started = startApp('admin', settings(), 'topics', 'expand', '--partitions', '36');
    await eventually('sending stops', async () => (await send(pipeline.producerUrl)) === 503);
    return started;
  }

  const bothAccept = async (): Promise<void> =>
    eventually('both accept', async () => {
      const answers = [await send(pipeline.producerUrl), await send(other.url)];
      return answers.every((status) => status === 202) || { answers };
    });

  const consumers = (signal: 'SIGSTOP' | 'SIGCONT'): void => {
    for (const { name, pid } of pipeline.processes()) if (name.startsWith('consumer')) process.kill(pid, signal);
  };

  it('keeps the order of each account, loses nothing, and answers 503 meanwhile', async () => {
    const inserts: Insert[] = [];
    const watch = new InsertWatch(ordersCollection(pipeline.db), (insert) => inserts.push(insert));
    await watch.start();
    const urls = [pipeline.producerUrl, other.url];
    const clients = Array.from({ length: CLIENTS }, (_, n) => new IntakeClient(`client-${n}`, () => urls));
    const accepted = (): number => Math.min(...clients.map((client) => client.accepted));
    await eventually('all send', () => accepted() > 20);
    // Begun last, and longer than the expansion: its orders must be on both sides of it.
    const populate = await pipeline.populate({ count: 20_000, accounts: 50, ratePerSecond: 500 });
    await eventually('the populate sends', async () => (await pipeline.operation(populate.id)).acked > 500);
    const { code, stdout, stderr } = await runDocumented('npm run admin -- topics expand --partitions 24', {
      env: settings(),
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Topic orders.v1 has 24 partitions, and the producers send again.');
    const before = accepted();
    await eventually('all send again', () => accepted() > before + 20);
    await Promise.all(clients.map(async (client) => client.stop()));
    await pipeline.allSaved(populate.id);
    const sum = populate.count + clients.reduce((total, client) => total + client.accepted, 0);
    await watch.untilSeen(sum, 60_000);
    await watch.stop();
    expect([inserts.length, watch.others, watch.interruptedBy]).toEqual([sum, [], null]);
    for (const { refused } of clients) expect(new Set(refused)).toEqual(new Set(['5']));

    const earlier = await earlierPartitions(pipeline.db);
    expect(earlier.map(({ partitions }) => partitions)).toEqual([12]);
    const countOf = (insert: Insert): number => partitionsAt(earlier, 24, insert);
    // In topic order under each count, in creation order across both, and nothing of the old count after the new one.
    const onTopic = new Map([12, 24].map((count) => [count, new KeyOrder(({ operationId }) => operationId)]));
    const created = new KeyOrder(({ operationId }) => operationId);
    const newest = new Map<string, number>();
    let late = 0;
    let moved = 0;
    for (const insert of inserts) {
      const count = countOf(insert);
      const last = newest.get(insert.accountId) ?? 0;
      if (count < last) late += 1;
      if (count > last && last > 0) moved += 1;
      newest.set(insert.accountId, count);
      onTopic.get(count)?.note(insert);
      created.note({ ...insert, partition: 0, offset: insert.number });
    }
    expect({
      late,
      outOfOrder: [...onTopic.values()].map(({ violations }) => violations),
      created: created.violations,
    }).toEqual({
      late: 0,
      outOfOrder: [0, 0],
      created: 0,
    });
    expect(moved).toBeGreaterThan(CLIENTS);
    expect(Math.max(...inserts.map(({ partition }) => partition))).toBeGreaterThanOrEqual(12);

    const operations = new Set(clients.flatMap((client) => Array.from(client.operations)));
    expect(operations.size).toBe(2);
    for (const id of [populate.id, ...operations]) expect(await reconciled(pipeline, id)).toMatchObject(HOLDS);
    await expectPlaces(populate.id, inserts, countOf);
    // As stored by a version without the count.
    await chunksCollection(pipeline.db).updateMany({}, { $unset: { partitions: true } });
    await expectPlaces(populate.id, inserts, countOf);
  });

  /** Deletes a saved order of each count: reconcile must find where its record is. */
  async function expectPlaces(
    id: string,
    inserts: readonly Insert[],
    countOf: (insert: Insert) => number,
  ): Promise<void> {
    for (const count of [12, 24]) {
      const insert = inserts.find((each) => each.operationId === id && countOf(each) === count);
      if (insert === undefined) throw new Error(`no order of ${id} was saved under ${count} partitions`);
      const { number, partition, offset } = insert;
      const orders = ordersCollection(pipeline.db);
      const order = await orders.findOneAndDelete({ number: Long.fromNumber(number) });
      if (order === null) throw new Error(`there is no order ${number}`);
      const { missingRecords } = await reconciled(pipeline, id);
      expect(missingRecords).toEqual([expect.objectContaining({ partition, offset, blame: 'saved-then-gone' })]);
      await orders.insertOne(order);
    }
  }

  it('names a producer that hangs and stops nothing, and one that ended without a word only until it is declared ended', async () => {
    other.pause();
    const listed = await topicPartitionsCollection(pipeline.db).findOne({});
    expect(listed?.producers).toHaveLength(2);
    let hanging: Run | undefined;
    await eventually('the expansion names it', async () => {
      hanging = await expand('--partitions', '30', '--wait', '1');
      return hanging.stderr.startsWith('Silent: ') || { hanging };
    });
    expect(hanging).toMatchObject({ code: 2 });
    await eventually('orders are accepted', async () => (await send(pipeline.producerUrl)) === 202);
    await other.kill();
    const [, gone] = /--gone (\S+)\./.exec(hanging?.stderr ?? '') ?? [];
    expect(await expand('--partitions', '30', '--gone', String(gone))).toMatchObject({ code: 0, stderr: '' });
    await eventually('orders are accepted', async () => (await send(pipeline.producerUrl)) === 202);
  });

  it('lets everything go on if the consumers do not commit in time, and after Ctrl-C', async () => {
    consumers('SIGSTOP');
    try {
      const { process: running, ended } = await startStuck();
      running.kill('SIGINT');
      const interrupted = await ended;
      expect(interrupted.code).toBe(2);
      expect(interrupted.stderr).toMatch(/^Aborted by a signal, .*: waiting for the /);
      await eventually('orders are accepted', async () => (await send(pipeline.producerUrl)) === 202);
      const late = await expand('--partitions', '36', '--wait', '3');
      expect(late.code).toBe(2);
      expect(late.stderr).toMatch(/^Aborted after 3 s, /);
      await eventually('orders are accepted', async () => (await send(pipeline.producerUrl)) === 202);
    } finally {
      consumers('SIGCONT');
    }
  });

  it('can be aborted or run again after a kill, with a producer that starts in the middle', async () => {
    consumers('SIGSTOP');
    try {
      const killed = await startStuck();
      killed.process.kill('SIGKILL');
      await killed.ended;
      const record = await topicPartitionsCollection(pipeline.db).findOne({});
      expect(record?.expansion).toMatchObject({ from: 30, to: 36, phase: 'closing' });
      expect(await expand('--partitions', '48')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('An expansion to 36 partitions runs'),
      });
      other = await ExtraProducer.start(pipeline);
      expect(await send(other.url)).toBe(503);
      expect(await expand('--abort')).toMatchObject({
        code: 0,
        stdout: 'Aborted: the producers send again as before.\n',
      });
      await bothAccept();
      const again = await startStuck();
      again.process.kill('SIGKILL');
      await again.ended;
    } finally {
      consumers('SIGCONT');
    }
    expect(await expand('--partitions', '36')).toMatchObject({ code: 0, stderr: '' });
    await bothAccept();
    const stored = await topicPartitionsCollection(pipeline.db).findOne({});
    expect(stored).toMatchObject({ expansion: null });
    expect(stored?.earlier.map(({ partitions }) => partitions)).toEqual([12, 24, 30]);
  });

  it('lets a producer start again with the count that the data were made with', async () => {
    await pipeline.killProducer('SIGTERM');
    expect(await send(pipeline.producerUrl)).toBe(202);
  });
});
