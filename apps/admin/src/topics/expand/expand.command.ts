import { InvalidArgumentError, type Command } from 'commander';
import { systemClock } from '@orders-pipeline/clock';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import type { AdminEnvironment, RunCommand } from '../../admin-environment.js';
import { EXIT_CODE, type ExitCode } from '../../exit-code.js';
import { withKafkaAdmin } from '../../kafka-admin.js';
import { withMongo } from '../../mongo-connection.js';
import { readSettings } from '../../settings.js';
import { ExpandTopics } from './expand-topics.js';
import { ExpansionRecord } from './expansion-record.js';
import { KafkaTopics } from './kafka-topics.js';

const DEFAULT_WAIT_SECONDS = 120;

interface ExpandOptions {
  readonly partitions?: number;
  readonly abort?: true;
  readonly wait: number;
  readonly gone?: readonly string[];
}

/** Adds `expand` to the commands of the topics. */
export function addExpandCommand(topics: Command, run: RunCommand): void {
  topics
    .command('expand')
    .description('add partitions while everything runs, without breaking the order of any account')
    .option('--partitions <n>', 'how many partitions the topics shall have', wholeNumber)
    .option('--wait <seconds>', 'how long sending may stop before anything grows', wholeNumber, DEFAULT_WAIT_SECONDS)
    .option('--gone <id...>', 'silent producers that have ended')
    .option('--abort', 'let the producers send again, if nothing has grown')
    .action(async (options: ExpandOptions, command: Command) => {
      if ((options.partitions === undefined) === (options.abort === undefined))
        command.error('error: give either --partitions or --abort');
      await run(async (environment) => expand(options, environment));
    });
}

async function expand(
  { partitions, wait, gone = [] }: ExpandOptions,
  { env, print }: AdminEnvironment,
): Promise<ExitCode> {
  const settings = readSettings(env);
  return withKafkaAdmin(settings, async (admin, kafka) =>
    withMongo(settings, async (mongo) => {
      const now = (): Date => mongo.time.now();
      const record = new ExpansionRecord(mongo.db, now);
      const positions = new KafkaPositions(connectKafka(kafka));
      const topics = new KafkaTopics(admin, kafka);
      const interruption = new AbortController();
      const interrupt = (): void => interruption.abort();
      // Once: a second one ends the process, and the producers stay closed.
      for (const name of ['SIGINT', 'SIGTERM']) process.once(name, interrupt);
      const expansion = new ExpandTopics({
        signal: interruption.signal,
        record,
        topics,
        positions,
        now,
        clock: systemClock,
        waitMs: wait * 1_000,
        print,
      });
      try {
        for (const id of await record.declareEnded(gone)) print(`Producer ${id} counts as ended.`);
        if (partitions !== undefined) await expansion.run(partitions);
        else print((await expansion.abort()) ? 'Aborted: the producers send again as before.' : 'No expansion runs.');
        return EXIT_CODE.ok;
      } finally {
        await positions.close();
      }
    }),
  );
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It must be an integer from 1 to 99,999.');
  return Number(text);
}
