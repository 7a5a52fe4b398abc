import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Admin } from 'kafkajs';
import { DEFAULT_PARTITIONS, topicSettings } from '#orders/topics/topics.js';
import { findTopics, requireEnoughCopies, describeDifference } from '#service/kafka/prepare-topics.js';
import type { RunCommand } from '../admin-environment.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { withKafkaAdmin } from '../kafka-admin.js';
import { readSettings, type AdminSettings } from '../settings.js';
import { addExpandCommand } from './expand/expand.command.js';
import { addLostCommand } from './lost/lost.command.js';
import { applyTopics } from './apply-topics.js';
import { planTopics, type TopicPlan } from './topic-plan.js';
import { timeLimit } from '#orders/time-limit.js';

const KNOWN_WITHIN_MS = timeLimit(10_000);

/** Adds the commands of the topics. */
export function addTopicsCommands(program: Command, run: RunCommand): void {
  const topics = program
    .command('topics')
    .description('the topics, by TOPIC_PARTITIONS, TOPIC_REPLICATION_FACTOR and TOPIC_MIN_INSYNC_REPLICAS');
  topics
    .command('plan')
    .description('print what apply would do')
    .action(async () =>
      run(async ({ env, print }) => {
        const settings = readSettings(env);
        return withKafkaAdmin(settings, async (admin) => printPlan(await planOf(settings, admin), print));
      }),
    );
  topics
    .command('apply')
    .description('create missing topics, add copies and change settings; adds no partitions')
    .action(async () =>
      run(async ({ env, print }) => {
        const settings = readSettings(env);
        return withKafkaAdmin(settings, async (admin) => {
          await applyTopics(admin, await planOf(settings, admin), print);
          return printPlan(await appliedPlan(settings, admin), print);
        });
      }),
    );
  addExpandCommand(topics, run);
  addLostCommand(topics, run);
}

async function planOf(settings: AdminSettings, admin: Admin): Promise<TopicPlan> {
  const safety = {
    partitions: settings.TOPIC_PARTITIONS ?? DEFAULT_PARTITIONS,
    replicationFactor: settings.TOPIC_REPLICATION_FACTOR,
    minInSyncReplicas: settings.TOPIC_MIN_INSYNC_REPLICAS,
  };
  requireEnoughCopies(safety);
  const wanted = topicSettings(safety);
  const listed = new Set(await admin.listTopics());
  const existing = wanted.map(({ topic }) => topic).filter((topic) => listed.has(topic));
  const found = existing.length === 0 ? new Map() : await findTopics(admin, existing);
  return planTopics(wanted, found, settings.TOPIC_PARTITIONS);
}

/** Returns what is left of a plan that was carried out. A broker learns of a change shortly after it was made. */
async function appliedPlan(settings: AdminSettings, admin: Admin): Promise<TopicPlan> {
  const deadline = Date.now() + KNOWN_WITHIN_MS;
  for (;;) {
    const plan = await planOf(settings, admin);
    const isApplied = plan.missing.length === 0 && plan.differences.every(({ kind }) => kind === 'unreadable');
    if (isApplied || Date.now() > deadline) return plan;
    await delay(100);
  }
}

function printPlan({ missing, differences, left }: TopicPlan, print: (line: string) => void): ExitCode {
  for (const { topic, numPartitions, replicationFactor } of missing)
    print(
      `Topic ${topic} is missing: apply creates it with ${numPartitions} partitions and replication factor ${replicationFactor}.`,
    );
  for (const line of [...differences.map(describeDifference), ...left]) print(line);
  if (missing.length + differences.length + left.length > 0) return EXIT_CODE.differs;
  print('The topics are as the settings want them.');
  return EXIT_CODE.ok;
}
