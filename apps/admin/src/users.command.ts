import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import {
  aclDifferences,
  addAcls,
  removeAcls,
  kafkaAcls,
  removeKafkaUsers,
  setKafkaUsers,
} from '#service/rights/kafka-rights.js';
import {
  applyRole,
  roleDifferences,
  ROLES_DB,
  roleName,
  mongodbServiceUsers,
  removeMongodbUsers,
  setMongodbUsers,
} from '#service/rights/mongodb-rights.js';
import { SERVICE_RIGHTS, SERVICES, type ServiceName } from '#service/rights/service-rights.js';
import { withKafkaAdmin, withMongo } from './connections.js';
import { AdminError, EXIT_CODE, type AdminEnvironment, type ExitCode, type Run } from './environment.js';
import { readSettings, type AdminSettings } from './settings.js';

/** Adds `users apply`. It needs the rights of an administrator at both servers. */
export function addUsersCommand(program: Command, run: Run): void {
  program
    .command('users')
    .description('the users of the services in Kafka and MongoDB')
    .command('apply')
    .description(
      'create the users of a file, or give them their password, with the rights of their services; safe to run again',
    )
    .argument('<file>', 'lines of SERVICE NAME PASSWORD; several lines of a service are several users')
    .option('--remove-others', 'also remove users of the services that the file does not have')
    .action(run(applyUsers));
}

async function applyUsers(
  { env, print }: AdminEnvironment,
  file: string,
  { removeOthers = false }: { readonly removeOthers?: boolean },
): Promise<ExitCode> {
  const users = parseUserList(await readFile(file, 'utf8'));
  const settings = readSettings(env);
  const others = await applyToMongodb(settings, users, removeOthers);
  await applyToKafka(settings, users, others);
  for (const { service, name } of users) print(`${name} has the rights of ${service}`);
  for (const name of others) print(`removed ${name}`);
  return EXIT_CODE.ok;
}

/** @returns the names of other users, which were removed */
async function applyToMongodb(
  settings: AdminSettings,
  users: readonly ServiceUser[],
  removesOthers: boolean,
): Promise<string[]> {
  return withMongo(settings, async ({ client, db }) => {
    const admin = client.db(ROLES_DB);
    for (const difference of await roleDifferences(admin, db.databaseName)) await applyRole(admin, difference);
    await setMongodbUsers(
      admin,
      users.map(({ service, name, password }) => ({ name, password, role: roleName(service) })),
    );
    if (!removesOthers) return [];
    const listed = new Set(users.map(({ name }) => name));
    const others = (await mongodbServiceUsers(admin)).filter((name) => !listed.has(name));
    await removeMongodbUsers(admin, others);
    return others;
  });
}

async function applyToKafka(
  settings: AdminSettings,
  users: readonly ServiceUser[],
  others: readonly string[],
): Promise<void> {
  const ofKafka = users.filter(({ service }) => SERVICE_RIGHTS[service].kafka.length > 0);
  // One table of rights for each user of a service that has several.
  const acls = ofKafka.flatMap((user) =>
    kafkaAcls((service) => (service === user.service ? user.name : '')).filter(
      ({ principal }) => principal === `User:${user.name}`,
    ),
  );
  await withKafkaAdmin(settings, async (admin, options) => {
    const kafka = connectKafka(options);
    await setKafkaUsers(kafka, ofKafka);
    const { missing } = await aclDifferences(admin, acls);
    if (missing.length > 0) await addAcls(admin, missing);
    if (others.length === 0) return;
    await removeKafkaUsers(kafka, others);
    await removeAcls(admin, others);
  });
}

/** The user of a service, at Kafka and MongoDB. */
interface ServiceUser {
  readonly service: ServiceName;
  readonly name: string;
  readonly password: string;
}

/**
 * Reads a list with a line `SERVICE NAME PASSWORD` for each user. A service may have several users: while a password is replaced, the old
 * and the new user are both valid.
 * @throws AdminError `bad-user-list` with the number of the first wrong line, and without a password
 */
export function parseUserList(text: string): ServiceUser[] {
  const users = text
    .split('\n')
    .map((line, at) => ({ line: line.trim(), at: at + 1 }))
    .filter(({ line }) => line !== '')
    .map(({ line, at }) => parseUser(line, at));
  const names = users.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw badList(`the user ${twice} is listed twice: give each user one line`);
  if (users.length === 0) throw badList('the list of users is empty: give each service a line');
  return users;
}

function parseUser(line: string, at: number): ServiceUser {
  const [given = '', name, password, ...more] = line.split(/\s+/);
  const service = SERVICES.find((each) => each === given);
  if (service === undefined)
    throw badList(`line ${at} must begin with one of ${SERVICES.join(', ')}, got ${given.slice(0, 40)}`);
  if (name === undefined || password === undefined || more.length > 0)
    throw badList(`line ${at} must be SERVICE NAME PASSWORD, without spaces in any of them`);
  return { service, name, password };
}

function badList(message: string): AdminError {
  return new AdminError('bad-user-list', message);
}
