import type { Kafka } from 'kafkajs';
import { MongoClient } from 'mongodb';
import { aclDifferences, addAcls, kafkaAcls } from '#service/rights/kafka-rights.js';
import { applyRole, roleDifferences, ROLES_DB, setMongodbUsers, roleName } from '#service/rights/mongodb-rights.js';
import { keyAccess, type MongodbSecurity } from './mongodb-security.js';
import type { ServerUser } from '#service/rights/service-rights.js';

/** Gives every service its rights in Kafka, as `npm run admin -- roles apply` does. @param kafka of the operator */
export async function grantKafkaRights(kafka: Kafka): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const { missing } = await aclDifferences(admin, kafkaAcls(roleName));
    if (missing.length > 0) await addAcls(admin, missing);
  } finally {
    await admin.disconnect();
  }
}

/**
 * Gives every service its role in MongoDB, as `npm run admin -- roles apply` does, and its user, whose name is that of the role.
 * @param uri of the set, without a user; its path is the database of the orders
 */
export async function grantMongodbRights(
  uri: string,
  security: MongodbSecurity,
  users: readonly ServerUser[],
): Promise<void> {
  const client = new MongoClient(uri, keyAccess(security));
  try {
    const admin = client.db(ROLES_DB);
    for (const difference of await roleDifferences(admin, client.db().databaseName)) await applyRole(admin, difference);
    await setMongodbUsers(
      admin,
      users.map((user) => ({ ...user, role: user.name })),
    );
  } finally {
    await client.close();
  }
}
