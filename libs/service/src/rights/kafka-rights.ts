import { pbkdf2Sync, randomBytes } from 'node:crypto';
import kafkajs, { type AclEntry, type Admin, type Kafka } from 'kafkajs';
import { KafkajsConnections, type KafkaApi } from '@orders-pipeline/parallel-consumer/kafkajs';
import {
  SERVICE_RIGHTS,
  SERVICES,
  type KafkaOperation,
  type KafkaRight,
  type ServiceName,
  type ServerUser,
} from './service-rights.js';

/** One permission of one user, for every host. */
interface KafkaAcl extends Pick<KafkaRight, 'resource' | 'name'> {
  readonly operation: KafkaOperation;
  /** Such as `User:orders-producer`. */
  readonly principal: string;
}

/** Returns the name of a service's user. */
export type NameUser = (service: ServiceName) => string;

/** Returns the permissions of all services in Kafka, in a stable order. */
export function kafkaAcls(nameUser: NameUser): KafkaAcl[] {
  return SERVICES.flatMap((service) =>
    SERVICE_RIGHTS[service].kafka.flatMap(({ resource, name, operations }) =>
      operations.map((operation) => ({ resource, name, operation, principal: `User:${nameUser(service)}` })),
    ),
  );
}

/** Returns the permissions as text, one a line, such as for a comparison. */
export function describeAcl({ principal, operation, resource, name }: KafkaAcl): string {
  return `${principal} may ${operation} ${resource} ${name}`;
}

/** Returns the commands of Kafka's own tool that give the permissions: one for each user and resource. */
export function aclCommands(acls: readonly KafkaAcl[]): string[] {
  const groups = Map.groupBy(acls, ({ principal, resource, name }) => `${principal} ${resource} ${name}`);
  return [...groups.values()].flatMap((each) => {
    const [first] = each;
    if (first === undefined) return [];
    const operations = each.map(({ operation }) => `--operation ${operation}`).join(' ');
    const resource = first.resource === 'cluster' ? '--cluster' : `--${first.resource} ${first.name}`;
    return `kafka-acls.sh --bootstrap-server HOST:9093 --command-config admin.properties --add --allow-principal ${first.principal} ${operations} ${resource}`;
  });
}

/** What the ACLs of a Kafka lack, and what they have besides. */
interface AclDifferences {
  readonly missing: readonly KafkaAcl[];
  /** Permissions of the same users that the table does not have, as text. */
  readonly others: readonly string[];
}

/** Node.js does not see these as named exports of a CommonJS module. */
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

const OPERATIONS: Readonly<Record<KafkaOperation, kafkajs.AclOperationTypes>> = {
  Alter: AclOperationTypes.ALTER,
  AlterConfigs: AclOperationTypes.ALTER_CONFIGS,
  Create: AclOperationTypes.CREATE,
  Delete: AclOperationTypes.DELETE,
  Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
};
const RESOURCES: Readonly<Record<KafkaRight['resource'], kafkajs.AclResourceTypes>> = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  cluster: AclResourceTypes.CLUSTER,
};
const EVERY_HOST = '*';

/** Compares the permissions with those that the same users have. @param admin connected; needs `Describe` on the cluster */
export async function aclDifferences(admin: Admin, wanted: readonly KafkaAcl[]): Promise<AclDifferences> {
  const { resources } = await admin.describeAcls({
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.ANY,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
  });
  const users = new Set(wanted.map(({ principal }) => principal));
  const found = resources.flatMap(({ acls, ...resource }) =>
    acls.filter(({ principal }) => users.has(principal)).map((acl) => textOf({ ...resource, ...acl })),
  );
  const expected = new Set(wanted.map((acl) => textOf(toEntry(acl))));
  return {
    missing: wanted.filter((acl) => !found.includes(textOf(toEntry(acl)))),
    others: found.filter((text) => !expected.has(text)),
  };
}

/** Adds permissions; those that exist stay. @param admin connected; needs `Alter` on the cluster */
export async function addAcls(admin: Admin, acls: readonly KafkaAcl[]): Promise<void> {
  await admin.createAcls({ acl: acls.map(toEntry) });
}

/** Removes all permissions of users. @param admin connected; needs `Alter` on the cluster */
export async function removeAcls(admin: Admin, users: readonly string[]): Promise<void> {
  const filters = users.map((user) => ({
    principal: `User:${user}`,
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.ANY,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
  }));
  if (filters.length > 0) await admin.deleteAcls({ filters });
}

function toEntry({ principal, operation, resource, name }: KafkaAcl): AclEntry {
  return {
    principal,
    host: EVERY_HOST,
    operation: OPERATIONS[operation],
    permissionType: AclPermissionTypes.ALLOW,
    resourceType: RESOURCES[resource],
    resourceName: name,
    resourcePatternType: ResourcePatternTypes.LITERAL,
  };
}

/** Returns an entry as one line in Kafka's names. Two entries are the same if their lines are. */
function textOf(entry: AclEntry): string {
  const { principal, host, operation, permissionType, resourceType, resourceName, resourcePatternType } = entry;
  const what = `${enumName(AclOperationTypes, operation)} on ${enumName(AclResourceTypes, resourceType)} ${resourceName}`;
  const pattern = enumName(ResourcePatternTypes, resourcePatternType);
  return `${principal} from host ${host}: ${enumName(AclPermissionTypes, permissionType)} ${what} (${pattern})`;
}

function enumName(names: object, number: number): string {
  return Object.entries(names).find(([, value]) => value === number)?.[0] ?? String(number);
}

/** Kafka's number of SCRAM-SHA-512. */
const SCRAM_SHA_512 = 2;
const HASH_BYTES = 64;
const SALT_BYTES = 32;
/** The least that Kafka accepts: the passwords are long and random, and each connection costs this many hashes. */
const ITERATIONS = 4_096;

/** Kafka's error for a user to remove that does not exist. */
const RESOURCE_NOT_FOUND = 91;

interface ScramResult {
  readonly user: string;
  /** 0: done. */
  readonly code: number;
  readonly message: string;
}

interface ScramChange {
  /** Users to create, or to give a new password. */
  readonly set: readonly ServerUser[];
  /** Names of users to remove. */
  readonly remove: readonly string[];
}

/** AlterUserScramCredentials, which kafkajs lacks (KIP-554). The password itself never leaves this process. */
const ALTER_SCRAM_CREDENTIALS: KafkaApi<ScramChange, readonly ScramResult[]> = {
  name: 'AlterUserScramCredentials',
  key: 51,
  version: 0,
  encode: (writer, { set, remove }) => {
    writer.compactArray(remove, (name) => {
      writer.compactString(name).int8(SCRAM_SHA_512).noTags();
    });
    writer.compactArray(set, ({ name, password }) => {
      const salt = randomBytes(SALT_BYTES);
      writer.compactString(name).int8(SCRAM_SHA_512).int32(ITERATIONS);
      writer
        .compactBytes(salt)
        .compactBytes(pbkdf2Sync(password, salt, ITERATIONS, HASH_BYTES, 'sha512'))
        .noTags();
    });
    writer.noTags();
  },
  decode: (reader) => {
    reader.int32();
    return reader.compactArray(() => {
      const user = reader.compactString() ?? '';
      const code = reader.int16();
      const message = reader.compactString() ?? `error ${code}`;
      reader.tags();
      return { user, code, message };
    });
  },
};

/** Creates users, or gives those that exist a new password. @throws Error that names the first user that Kafka rejects */
export async function setKafkaUsers(kafka: Kafka, users: readonly ServerUser[]): Promise<void> {
  await change(kafka, { set: users, remove: [] });
}

/** Removes users; one that does not exist is fine. Their open connections stay. @throws Error that names the first user that Kafka rejects */
export async function removeKafkaUsers(kafka: Kafka, names: readonly string[]): Promise<void> {
  await change(kafka, { set: [], remove: names });
}

async function change(kafka: Kafka, wanted: ScramChange): Promise<void> {
  const connections = new KafkajsConnections(kafka);
  try {
    const results = await connections.requestAny(ALTER_SCRAM_CREDENTIALS, wanted);
    const rejected = results.find(({ code }) => code !== 0 && code !== RESOURCE_NOT_FOUND);
    if (rejected !== undefined) throw new Error(`Kafka rejects the user ${rejected.user}: ${rejected.message}`);
  } finally {
    await connections.close();
  }
}
