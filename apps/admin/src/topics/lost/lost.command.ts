import type { Command } from 'commander';
import type { Admin } from 'kafkajs';
import { connectKafka, KafkajsConnections, RecordReader } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { AdminEnvironment, RunCommand } from '../../admin-environment.js';
import { GROUPS, readKafkaState } from '../../backup/kafka-state.js';
import type { KafkaState } from '../../backup/manifest.js';
import { EXIT_CODE, type ExitCode } from '../../exit-code.js';
import { withKafkaAdmin } from '../../kafka-admin.js';
import { withMongo } from '../../mongo-connection.js';
import { commitOffsets, requireNoMembers } from '../../restore/consumer-groups.js';
import { readSettings } from '../../settings.js';
import { ForgetLog } from './forget-log.js';
import { unsavedBatches, unsavedEmissions, type UnsavedEmission, type UnsavedOrder } from './unsaved-orders.js';

/** Thrown when the topics are not those that were created after the loss. */
export class TopicsNotEmptyError extends Error {
  override readonly name = 'TopicsNotEmptyError';
  readonly code = 'topics-not-empty';
}

/** Adds `lost` to the commands of the topics. */
export function addLostCommand(topics: Command, run: RunCommand): void {
  topics
    .command('lost')
    .description(
      "after the loss of Kafka's data, with new and empty topics: list acknowledged orders that are not saved",
    )
    .option(
      '--apply',
      'also send again what can be made again, and forget the lost log; only with all services stopped',
    )
    .action(async ({ apply = false }: { readonly apply?: boolean }) =>
      run(async (environment) => recover(apply, environment)),
    );
}

async function recover(apply: boolean, { env, print }: AdminEnvironment): Promise<ExitCode> {
  const settings = readSettings(env);
  return withKafkaAdmin(settings, async (admin, kafka) =>
    withMongo(settings, async ({ client, db, time }) => {
      const reader = new RecordReader(new KafkajsConnections(connectKafka(kafka)));
      const state = await readKafkaState(admin, reader);
      await reader.close();
      requireEmptyTopics(state);
      if (apply) await requireNoMembers(admin);
      const log = new ForgetLog(client, db, () => time.now());
      const emissions = await unsavedEmissions(db);
      for (const emission of emissions) {
        print(describeEmission(emission));
        if (apply && canEmit(emission)) await log.emitAgain(emission);
      }
      let received = 0;
      for await (const found of unsavedBatches(db)) {
        for (const order of found.orders) print(describeOrder(order));
        received += found.orders.length;
        if (apply) await log.abandon(found);
      }
      if (apply) await forget(log, admin, state, print);
      const isWhole = emissions.length + received === 0;
      if (isWhole) print('Every acknowledged order is saved or a dead letter.');
      return isWhole ? EXIT_CODE.ok : EXIT_CODE.differs;
    }),
  );
}

function requireEmptyTopics({ topics }: KafkaState): void {
  const used = topics
    .flatMap(({ name, partitions }) => partitions.map((each) => ({ name, ...each })))
    .find(({ end }) => end > 0);
  if (used === undefined) return;
  throw new TopicsNotEmptyError(
    `Topic ${used.name} has records (partition ${used.partition} ends at ${used.end}): this command is for topics that were created after the loss.`,
  );
}

async function forget(
  log: ForgetLog,
  admin: Admin,
  { topics }: KafkaState,
  print: (line: string) => void,
): Promise<void> {
  const letters = await log.renameLetters();
  if (letters > 0)
    print(`${letters.toLocaleString('en-US')} dead letters have lost their records: they can only be discarded.`);
  const redrives = await log.failRedrives();
  if (redrives > 0) print(`${redrives} redrives have failed: the records that they would send are lost.`);
  await log.forgetReplays();
  await log.forgetPartitions();
  const starts = GROUPS.flatMap(({ id: groupId, topic }) =>
    (topics.find(({ name }) => name === topic)?.partitions ?? []).map(({ partition }) => ({
      groupId,
      topic,
      partition,
      offset: 0,
    })),
  );
  await commitOffsets(admin, starts);
  print('The log that was lost is forgotten. Start the services.');
}

/** A cancelled or failed operation would go on behind its last acknowledged order. */
function canEmit({ status }: UnsavedEmission): boolean {
  return status !== 'cancelled' && status !== 'failed';
}

function describeEmission(emission: UnsavedEmission): string {
  const { id, kind, status, segments } = emission;
  const unsaved = segments.reduce((sum, each) => sum + each.unsaved, 0).toLocaleString('en-US');
  const what = canEmit(emission)
    ? 'are sent again, with those of the same segments'
    : `are lost: it is ${status}, and is not continued`;
  return `${kind} ${id}: ${unsaved} acknowledged orders are not saved, or dead letters, and ${what}`;
}

function describeOrder({ operationId, number, id }: UnsavedOrder): string {
  return `received order ${id} (number ${number}, intake ${operationId}) is lost: its client must send it again, under the same id`;
}
