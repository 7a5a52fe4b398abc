import { setTimeout as delay } from 'node:timers/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { explainConnection } from '#service/availability/explain-connection.js';
import type { AdminEnvironment, RunCommand } from '../admin-environment.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { withKafkaAdmin } from '../kafka-admin.js';
import { withMongo } from '../mongo-connection.js';
import { readSettings, type AdminSettings } from '../settings.js';
import { initiateReplicaSet } from './initiate-replica-set.js';
import { kafkaObstacles, mongodbObstacles } from './servers-state.js';

const DEFAULT_SECONDS = 300;
const PAUSE_MS = 1_000;

interface ReadyOptions {
  readonly initiate?: boolean;
  readonly within: number;
}

/** Adds `servers ready`. */
export function addServersCommand(program: Command, run: RunCommand): void {
  program
    .command('servers')
    .description("the brokers of Kafka and the members of MongoDB's replica set")
    .command('ready')
    .description('wait until any one of them may be stopped: all are up, and every copy is in sync')
    .option('--initiate', "initiate MongoDB's replica set if there is none; needs the key file's user")
    .option('--within <seconds>', 'how long to wait', seconds, DEFAULT_SECONDS)
    .action(async (options: ReadyOptions) => run(async (environment) => waitUntilReady(options, environment)));
}

async function waitUntilReady(
  { initiate = false, within }: ReadyOptions,
  { env, print, printError }: AdminEnvironment,
): Promise<ExitCode> {
  const settings = readSettings(env);
  const deadline = Date.now() + within * 1_000;
  let last = '';
  for (;;) {
    const obstacles = await findObstacles(settings, initiate, print);
    if (obstacles.length === 0) break;
    const text = obstacles.join('; ');
    if (Date.now() > deadline) {
      printError(`Not ready within ${within} s: ${text}.`);
      return EXIT_CODE.failed;
    }
    if (text !== last) print(`waiting: ${text}`);
    last = text;
    await delay(PAUSE_MS);
  }
  print('Every broker and every member is up and in sync.');
  return EXIT_CODE.ok;
}

/** A server that does not answer is an obstacle, not a failure. */
async function findObstacles(
  settings: AdminSettings,
  initiate: boolean,
  print: (line: string) => void,
): Promise<string[]> {
  try {
    if (initiate && (await initiateReplicaSet(settings.MONGODB_URI))) print('initiated the replica set of MongoDB');
    const ofMongodb = await withMongo(settings, async ({ client }) => mongodbObstacles(client.db('admin')));
    if (ofMongodb.length > 0) return ofMongodb;
    return await withKafkaAdmin(settings, async (admin) => kafkaObstacles(admin, settings.KAFKA_BROKERS.length));
  } catch (error) {
    return [explainConnection(error) ?? (error instanceof Error ? error.message : String(error))];
  }
}

function seconds(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It must be a number of seconds from 1 to 99999.');
  return Number(text);
}
