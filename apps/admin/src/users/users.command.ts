import { readFile } from 'node:fs/promises';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Command } from 'commander';
import {
  addAcls,
  aclDifferences,
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
import { SERVICE_RIGHTS } from '#service/rights/service-rights.js';
import type { AdminEnvironment, RunCommand } from '../admin-environment.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { withKafkaAdmin } from '../kafka-admin.js';
import { withMongo } from '../mongo-connection.js';
import { readSettings, type AdminSettings } from '../settings.js';
import { parseUserList, type ServiceUser } from './user-list.js';

/** Adds `users apply`. It needs the rights of an administrator at both servers. */
export function addUsersCommand(program: Command, run: RunCommand): void {
  program
    .command('users')
    .description('the users of the services in Kafka and MongoDB')
    .command('apply')
    .description(
      'create the users of a file, or give them their password, with the rights of their services; safe to run again',
    )
    .argument('<file>', 'lines of SERVICE NAME PASSWORD; several lines of a service are several users')
    .option('--remove-others', 'also remove users of the services that the file does not have')
    .action(async (file: string, { removeOthers = false }: { readonly removeOthers?: boolean }) =>
      run(async (environment) => applyUsers(await readFile(file, 'utf8'), removeOthers, environment)),
    );
}

async function applyUsers(text: string, removesOthers: boolean, { env, print }: AdminEnvironment): Promise<ExitCode> {
  const users = parseUserList(text);
  const settings = readSettings(env);
  const others = await applyToMongodb(settings, users, removesOthers);
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
