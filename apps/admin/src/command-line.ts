import { Command } from 'commander';
import type { Admin } from 'kafkajs';
import { DEFAULT_PARTITIONS, topicSettings } from '#orders/topics/topics.js';
import { findTopics } from '#service/kafka/found-topics.js';
import { describeDifference } from '#service/kafka/topic-differences.js';
import type { AdminSettings } from './settings.js';
import { applyTopics } from './topics/apply-topics.js';
import { planTopics, type TopicPlan } from './topics/topic-plan.js';

/** The exit codes, as those of `diff`: `plan` has found something to do, or `apply` has left something. */
export const EXIT_CODE = { ok: 0, differs: 1, failed: 1, usage: 2 } as const;

export interface AdminContext {
  readonly settings: AdminSettings;
  /** Connected. */
  readonly admin: Admin;
  readonly print: (line: string) => void;
}

/** Runs work with a connection. */
type Run = (work: (context: AdminContext) => Promise<number>) => Promise<void>;

/** Returns the command line of `npm run admin`. */
export function adminCommandLine(run: Run): Command {
  const program = new Command('npm run admin --').description('Makes and changes what the services need in Kafka.');
  const topics = program
    .command('topics')
    .description('the topics, by TOPIC_PARTITIONS, TOPIC_REPLICATION_FACTOR and TOPIC_MIN_INSYNC_REPLICAS');
  topics
    .command('plan')
    .description('print what apply would do; exit code 1 if there is anything')
    .action(async () => run(async ({ settings, admin, print }) => printPlan(await planOf(settings, admin), print)));
  topics
    .command('apply')
    .description('create missing topics, change settings and add copies; adds no partitions')
    .action(async () =>
      run(async ({ settings, admin, print }) => {
        await applyTopics(admin, await planOf(settings, admin), print);
        return printPlan(await planOf(settings, admin), print);
      }),
    );
  return program;
}

async function planOf(settings: AdminSettings, admin: Admin): Promise<TopicPlan> {
  const { TOPIC_PARTITIONS, TOPIC_REPLICATION_FACTOR, TOPIC_MIN_INSYNC_REPLICAS } = settings;
  const wanted = topicSettings({
    partitions: TOPIC_PARTITIONS ?? DEFAULT_PARTITIONS,
    replicationFactor: TOPIC_REPLICATION_FACTOR,
    minInSyncReplicas: TOPIC_MIN_INSYNC_REPLICAS,
  });
  const listed = new Set(await admin.listTopics());
  const existing = wanted.map(({ topic }) => topic).filter((topic) => listed.has(topic));
  return planTopics(wanted, existing.length === 0 ? new Map() : await findTopics(admin, existing), TOPIC_PARTITIONS);
}

function printPlan({ missing, differences, left }: TopicPlan, print: (line: string) => void): number {
  for (const { topic, numPartitions, replicationFactor } of missing)
    print(
      `Topic ${topic} is missing: it would have ${numPartitions} partitions and replication factor ${replicationFactor}.`,
    );
  for (const line of [...differences.map(describeDifference), ...left]) print(line);
  if (missing.length + differences.length + left.length > 0) return EXIT_CODE.differs;
  print('The topics are as the settings want them.');
  return EXIT_CODE.ok;
}
