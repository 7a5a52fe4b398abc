import kafkajs, { type AclEntry, type Admin } from 'kafkajs';
import type { KafkaAcl } from './kafka-acls.js';
import type { KafkaOperation, KafkaRight } from './service-rights.js';

/** What the ACLs of a Kafka lack, and what they have besides. */
export interface AclDifferences {
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
  const what = `${nameOf(AclOperationTypes, operation)} on ${nameOf(AclResourceTypes, resourceType)} ${resourceName}`;
  const pattern = nameOf(ResourcePatternTypes, resourcePatternType);
  return `${principal} from host ${host}: ${nameOf(AclPermissionTypes, permissionType)} ${what} (${pattern})`;
}

function nameOf(names: object, number: number): string {
  return Object.entries(names).find(([, value]) => value === number)?.[0] ?? String(number);
}
