import { setTimeout as delay } from 'node:timers/promises';
import { InvalidArgumentError, type Command } from 'commander';
import type { Admin } from 'kafkajs';
import { MongoClient, type Db, type MongoClientOptions } from 'mongodb';
import { timeLimit } from '#orders/time-limit.js';
import { isMongodbError, withKafkaAdmin, withMongo } from './connections.js';
import { AdminError, EXIT_CODE, explain, type AdminEnvironment, type ExitCode, type Run } from './environment.js';
import { readSettings, type AdminSettings } from './settings.js';

const DEFAULT_SECONDS = 300;
const PAUSE_MS = 1_000;
/** The states of a member of MongoDB that serves. */
const SERVING = new Set(['PRIMARY', 'SECONDARY']);
/** The hosts in an address of MongoDB. */
const HOSTS = /(?<=^mongodb:\/\/(?:[^@/]*@)?)([^@/?]+)(?=[/?]|$)/;
const OPTIONS: MongoClientOptions = {
  serverSelectionTimeoutMS: timeLimit(3_000),
  connectTimeoutMS: timeLimit(3_000),
  socketTimeoutMS: timeLimit(10_000),
};

interface ReadyOptions {
  readonly initiate?: boolean;
  readonly within: number;
}

/** Adds `servers ready`. */
export function addServersCommand(program: Command, run: Run): void {
  program
    .command('servers')
    .description("the brokers of Kafka and the members of MongoDB's replica set")
    .command('ready')
    .description('wait until any one of them may be stopped: all are up, and every copy is in sync')
    .option('--initiate', "initiate MongoDB's replica set if there is none; needs the key file's user")
    .option('--within <seconds>', 'how long to wait', seconds, DEFAULT_SECONDS)
    .action(run(waitUntilReady));
}

async function waitUntilReady(
  { env, print, printError }: AdminEnvironment,
  { initiate = false, within }: ReadyOptions,
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
    return [explain(error)];
  }
}

function seconds(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It must be a number of seconds from 1 to 99999.');
  return Number(text);
}

interface MemberStatus {
  readonly name: string;
  readonly health: number;
  readonly stateStr: string;
}

/**
 * Returns what is missing until any one broker may be stopped: a broker, or a copy of a partition that is in sync. Without `Describe` on a
 * topic, the topic is not seen.
 */
async function kafkaObstacles(admin: Admin, brokers: number): Promise<string[]> {
  const { brokers: found } = await admin.describeCluster();
  const { topics } = await admin.fetchTopicMetadata();
  const behind = topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ isr, replicas, leader }) => leader < 0 || isr.length < replicas.length)
      .map(({ partitionId }) => `${name}-${partitionId}`),
  );
  return [
    ...(found.length < brokers ? [`${found.length} of ${brokers} brokers of Kafka are up`] : []),
    ...(behind.length > 0
      ? [`${behind.length} partitions have copies that are not in sync, such as ${behind[0]}`]
      : []),
  ];
}

/** Returns what is missing until any one member may be stopped. Needs `replSetGetStatus`. @param admin the database `admin` */
async function mongodbObstacles(admin: Db): Promise<string[]> {
  const { members } = (await admin.command({ replSetGetStatus: 1 })) as { members: readonly MemberStatus[] };
  const unfit = members.filter(({ health, stateStr }) => health !== 1 || !SERVING.has(stateStr));
  const hasPrimary = members.some(({ stateStr }) => stateStr === 'PRIMARY');
  return [
    ...(hasPrimary ? [] : ['MongoDB has no primary']),
    ...unfit.map(({ name, stateStr }) => `the member ${name} of MongoDB is in the state ${stateStr}`),
  ];
}

/**
 * Initiates the replica set of an address if no member has one yet: its members are the hosts of the address, in this order. The address
 * signs in by the key file (`__system`), because there are no users yet.
 * @returns whether it was initiated now
 * @throws an error while a member does not answer: all of them must, or a set that lost its first member could be initiated again
 */
async function initiateReplicaSet(uri: string): Promise<boolean> {
  const { hosts, name } = partsOf(uri);
  const configured = await Promise.all(hosts.map(async (host) => isConfigured(withHost(uri, host))));
  if (configured.some(Boolean)) return false;
  const members = hosts.map((host, _id) => ({ _id, host }));
  await atMember(withHost(uri, hosts[0] ?? ''), async (client) =>
    client.db('admin').command({ replSetInitiate: { _id: name, members } }),
  );
  return true;
}

async function isConfigured(uri: string): Promise<boolean> {
  return atMember(uri, async (client) => {
    try {
      await client.db('admin').command({ replSetGetConfig: 1 });
      return true;
    } catch (error) {
      if (isMongodbError(error, 'notYetInitialized')) return false;
      if (isMongodbError(error, 'noReplicationEnabled'))
        throw new AdminError(
          'bad-replica-set',
          'A member of MongoDB runs without --replSet: start it with the name of the set.',
        );
      throw error;
    }
  });
}

async function atMember<T>(uri: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(uri, { ...OPTIONS, appName: 'orders-admin' });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Returns the hosts and the name of the set in an address. @throws AdminError `bad-replica-set` */
export function partsOf(uri: string): { readonly hosts: readonly string[]; readonly name: string } {
  const [, hosts = ''] = HOSTS.exec(uri) ?? [];
  const name = new URLSearchParams(uri.split('?')[1]).get('replicaSet');
  if (name === null || hosts === '')
    throw new AdminError(
      'bad-replica-set',
      'MONGODB_URI must name the hosts of the members, and the set as replicaSet=NAME.',
    );
  return { hosts: hosts.split(','), name };
}

/** Returns the address of one member alone. */
export function withHost(uri: string, host: string): string {
  const [address = '', query] = uri.replace(HOSTS, (text, hosts: string) => text.replace(hosts, host)).split('?');
  const options = new URLSearchParams(query);
  options.delete('replicaSet');
  options.set('directConnection', 'true');
  return `${address}?${options.toString()}`;
}
