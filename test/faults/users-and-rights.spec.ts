import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import { z } from 'zod';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { kafkaAccess } from '#service/kafka/kafka-access.js';
import { KafkaProbe } from '#service/kafka/kafka-clients.js';
import { kafkaConnectionSettings } from '#service/settings/kafka-settings.js';
import { loadSettings } from '#service/settings/settings.js';
import { runDocumented, type DocumentedRun } from '../support/documented/run-documented.js';
import { emptyServers, OPERATOR, SecuredKafka } from '../support/own-servers.js';
import { writeKafkaScripts } from '../support/foreign-clients/kafka-tools.js';
import type { Run } from '../support/started-app.js';

const PASSWORD = 'canary-producer-password';
const SECOND_USER = 'orders-producer-2';

/** Users and roles are of the whole server, which other specs use. */
async function removeUsersAndRoles(mongo: MongoClient): Promise<void> {
  const admin = mongo.db('admin');
  await admin.command({ dropAllUsersFromDatabase: 1 });
  await admin.command({ dropAllRolesFromDatabase: 1 });
}

describe('users and rights, by the commands of docs/run.md', () => {
  let kafka: SecuredKafka;
  let mongo: MongoClient;
  let mongodbUri: string;
  let scripts: string;
  /** Where the operator types: it has `admin.properties`. */
  let folder: string;

  beforeAll(async () => {
    mongodbUri = (await emptyServers())?.MONGODB_URI ?? '';
    [kafka, mongo, scripts, folder] = await Promise.all([
      SecuredKafka.start(),
      MongoClient.connect(mongodbUri),
      writeKafkaScripts(),
      mkdtemp(join(tmpdir(), 'orders-operator-')),
    ]);
    await kafka.allow(OPERATOR, 'cluster', ['kafka-cluster'], ['Describe', 'Alter']);
    await writeFile(join(folder, 'admin.properties'), kafka.propertiesOf(OPERATOR));
  });

  afterAll(async () => {
    await removeUsersAndRoles(mongo);
    await mongo?.close();
    await kafka?.stop();
    for (const each of [scripts, folder]) await rm(each, { recursive: true, force: true });
  });

  async function run(command: string | readonly string[], options: DocumentedRun = {}): Promise<Run> {
    const env = { ...kafka.settingsOf(OPERATOR), MONGODB_URI: mongodbUri, PASSWORD };
    return runDocumented(command, { env, programs: [scripts], ...options });
  }

  /** Whether the user of the producer can sign in at Kafka. */
  async function signsIn(): Promise<boolean> {
    const settings = kafka.settingsOf({ name: 'orders-producer', password: PASSWORD });
    const options = kafkaAccess(loadSettings(z.object(kafkaConnectionSettings), settings));
    const probe = new KafkaProbe({ ...options, clientId: 'spec', logger: pino({ level: 'silent' }) });
    try {
      return await probe.requireAccess().then(
        () => true,
        () => false,
      );
    } finally {
      await probe.close();
    }
  }

  it('roles and ACLs are planned and applied', async () => {
    const settings =
      "export MONGODB_URI='mongodb://root@db.example:27017/orders?tls=true&authSource=admin' KAFKA_BROKERS=kafka.example:9093";
    const replacing = {
      'mongodb://root@db.example:27017/orders?tls=true&authSource=admin': mongodbUri,
      'kafka.example:9093': kafka.brokers,
    };
    expect((await run([settings, 'npm run admin -- roles plan'], { replacing })).code).toBe(1);
    expect(await run([settings, 'npm run admin -- roles apply'], { replacing })).toMatchObject({ code: 0 });
    expect(await run('npm run admin -- roles plan')).toMatchObject({ code: 0 });
  });

  it('a user of MongoDB is created with the role of its name', async () => {
    const page = await readFile(join(PROJECT_DIRECTORY, 'docs/run.md'), 'utf8');
    const [, command = ''] = /^ *```js\n *(db\.getSiblingDB.+)\n *```$/m.exec(page) ?? [];
    // As mongosh runs it.
    const db = {
      getSiblingDB: (name: string) => ({
        createUser: async ({ user, ...rest }: { user: string }) =>
          mongo.db(name).command({ createUser: user, ...rest }),
      }),
    };
    await runInNewContext(command, { db, passwordPrompt: () => PASSWORD });
    const { users: found } = await mongo.db('admin').command({ usersInfo: 'orders-producer' });
    expect(found).toMatchObject([{ roles: [{ role: 'orders-producer' }] }]);
  });

  it('a user of Kafka gets a password from a file, a second one its ACLs, and the first loses both', async () => {
    const replacing = { 'HOST:9093': kafka.brokers };
    const options = { replacing, directory: folder };
    const added = await run(
      [
        `printf 'SCRAM-SHA-512=password=%s\\n' "$PASSWORD" > scram.properties`,
        'kafka-configs.sh --bootstrap-server HOST:9093 --command-config admin.properties --alter --entity-type users --entity-name orders-producer --add-config-file scram.properties',
      ],
      options,
    );
    expect(added).toMatchObject({ code: 0 });
    expect(await signsIn()).toBe(true);
    expect(await run('npm run admin -- roles --kafka-user producer=orders-producer-2 apply')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(SECOND_USER),
    });
    const removed = await run(
      'kafka-configs.sh --bootstrap-server HOST:9093 --command-config admin.properties --alter --entity-type users --entity-name orders-producer --delete-config SCRAM-SHA-512',
      options,
    );
    expect(removed).toMatchObject({ code: 0 });
    expect(await signsIn()).toBe(false);
    const place = `s/HOST:9093/${kafka.brokers}/; s#admin.properties#${join(folder, 'admin.properties')}#`;
    const revoked = await run(
      "npm run -s admin -- roles | grep 'User:orders-producer ' | sed 's/--add/--remove --force/; s/HOST:9093/kafka.example:9093/' | sh",
      { replacing: { 's/HOST:9093/kafka.example:9093/': place } },
    );
    expect(revoked).toMatchObject({ code: 0 });
    const plan = await run('npm run admin -- roles plan');
    expect([plan.code, plan.stdout]).toEqual([1, expect.stringContaining(`orders-producer may`)]);
    expect(plan.stdout).toContain(ORDERS_TOPIC);
  });
});
