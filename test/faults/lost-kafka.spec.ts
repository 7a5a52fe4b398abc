import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { archivedRangesCollection } from '#orders/archive/archived-ranges.js';
import { makeRunFolder, removeRunFolder } from '../../dev/servers/data-directory.js';
import { untilComplete, untilConsumed } from '../disaster/sent-orders.js';
import { Archives, settled } from '../support/archives.js';
import { runDocumented } from '../support/documented/run-documented.js';
import { eventually } from '../support/eventually.js';
import { intakeOrder, sendOrders, Redrives } from '../support/sent-orders.js';
import { TestSystem } from '../support/test-system.js';
import { type Run, reconciled } from '../support/started-app.js';

const COUNT = 3_000;
const ONE_BROKER = { TOPIC_REPLICATION_FACTOR: '1', TOPIC_MIN_INSYNC_REPLICAS: '1' };

async function started(dataDirectory: string, ...flags: string[]): Promise<TestSystem> {
  return TestSystem.start({
    servers: 'own',
    dataDirectory,
    flags: ['--no-console', '--save-ms', '0..5', ...flags],
    env: { COMPACTION_DELAY_SECONDS: '1' },
  });
}

async function run(stack: TestSystem, command: string): Promise<Run> {
  const servers = { KAFKA_BROKERS: stack.brokers, MONGODB_URI: stack.mongodbUri };
  return runDocumented(command, { env: { ...servers, ...ONE_BROKER } });
}

/** Kills everything, and removes Kafka's data. */
async function loseKafka(stack: TestSystem): Promise<void> {
  await stack.killAll();
  await rm(join(stack.dataDirectory, 'kafka'), { recursive: true });
}

describe('the loss of Kafka, as docs/run.md describes it', () => {
  it('loses no order that can be made again, and names the others', async () => {
    const folder = await makeRunFolder('orders-lost-kafka');
    let pipeline = await started(folder);
    let archives: Archives | undefined;
    try {
      const archived = await pipeline.populate({ count: COUNT });
      await pipeline.allSaved(archived.id);
      await settled(pipeline.db, archived.id);
      archives = await Archives.of(pipeline);
      expect(await archives.archive(new Date())).toMatchObject({ code: 0, stderr: '' });
      const first = await pipeline.populate({ count: COUNT, faults: { poison: 0.01 } });
      const ended = await pipeline.allEnded(first.id);
      const { body: saved } = await sendOrders(pipeline, [intakeOrder()]);
      await untilConsumed(pipeline.brokers);
      // What Kafka acknowledges from here on is not saved.
      const consumer = pipeline.process('consumer-1');
      process.kill(consumer.pid, 'SIGSTOP');
      const second = await pipeline.populate({ count: COUNT });
      await eventually('it is sent', async () => (await pipeline.operation(second.id)).acked === COUNT);
      const { body: lost } = await sendOrders(pipeline, [intakeOrder(), intakeOrder()], 'a-key');
      await eventually('the batch is acknowledged', async () => {
        const batches = pipeline.db.collection<{ _id: number; state: string }>('intakeBatches');
        return (await batches.countDocuments({ state: 'acknowledged' })) === 2;
      });
      await loseKafka(pipeline);

      pipeline = await started(folder, '--servers-only');
      expect(await run(pipeline, 'npm run admin -- topics apply')).toMatchObject({ code: 0 });
      const listed = await run(pipeline, 'npm run admin -- topics lost');
      expect(listed.code).toBe(1);
      // npm prints what it runs first.
      const lines = listed.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('>'));
      expect(lines).toEqual([
        expect.stringContaining(`populate ${first.id}: ${ended.deadLettered} acknowledged orders are not saved`),
        expect.stringContaining(`populate ${second.id}: 3,000 acknowledged orders are not saved`),
        ...lost.items.map(({ id, number }) =>
          expect.stringContaining(`received order ${id} (number ${number}, intake ${lost.operationId}) is lost`),
        ),
      ]);
      const applied = await run(pipeline, 'npm run admin -- topics lost --apply');
      expect(applied.stdout).toContain('The log that was lost is forgotten. Start the services.');
      // An offset of the lost log would make a new record look like a replay.
      expect(await archivedRangesCollection(pipeline.db).distinct('positions')).toEqual([]);
      await pipeline.stop();

      pipeline = await started(folder);
      await pipeline.allSaved(second.id);
      expect(await pipeline.allEnded(first.id)).toMatchObject({
        saved: ended.saved,
        deadLettered: ended.deadLettered,
      });
      // The dead letters have their records again.
      const redrives = new Redrives(pipeline);
      const { body: redrive } = await redrives.ask({ operationId: first.id });
      expect((await redrives.ended(redrive.id)).redrive).toMatchObject({ moved: ended.deadLettered, unmovable: 0 });
      // A client that repeats its request gets its orders saved.
      const { status, body: repeated } = await sendOrders(pipeline, [intakeOrder(), intakeOrder()], 'a-key');
      expect([status, repeated.items.map(({ id }) => id)]).toEqual([202, lost.items.map(({ id }) => id)]);
      await untilConsumed(pipeline.brokers);
      expect(await reconciled(pipeline, archived.id)).toMatchObject({ verdict: 'holds', archived: COUNT });
      for (const id of [first.id, second.id, saved.operationId, repeated.operationId])
        expect(await reconciled(pipeline, id)).toMatchObject({ missing: 0, doubled: 0, altered: 0, phantom: 0 });
      const [reached, highest] = await untilComplete(pipeline);
      expect(reached).toBe(highest);
      expect(await run(pipeline, 'npm run admin -- topics lost')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('this command is for topics that were created after the loss'),
      });
    } finally {
      await pipeline.stop().catch(() => undefined);
      await archives?.remove();
      await removeRunFolder(folder);
    }
  });
});
