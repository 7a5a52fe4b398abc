import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { aclCommands, kafkaAcls } from './kafka-acls.js';
import { mongodbRole, roleName, type MongodbPrivilege } from './mongodb-roles.js';
import { SERVICE_RIGHTS, SERVICES, type ServiceName } from './service-rights.js';

const collectionOf = ({ resource }: MongodbPrivilege): string | undefined =>
  'cluster' in resource ? undefined : resource.collection;

const actionsOn = (service: (typeof SERVICES)[number], collection: string): readonly string[] =>
  mongodbRole(service, 'shop').privileges.find((each) => collectionOf(each) === collection)?.actions ?? [];

describe('the rights in MongoDB', () => {
  it('let only the consumer add orders, and no service change or remove one', () => {
    for (const service of SERVICES) {
      const actions = actionsOn(service, 'orders');
      expect([service, actions.includes('insert')]).toEqual([service, service === 'consumer']);
      for (const action of ['update', 'remove', 'dropCollection']) expect(actions).not.toContain(action);
    }
  });

  it('are those of the database of the orders, for reconciliation the oplog, and for the administrator some of the server', () => {
    const places = SERVICES.flatMap((service) =>
      mongodbRole(service, 'shop').privileges.map(({ resource }) => {
        if ('cluster' in resource) return `the server: ${service}`;
        return resource.db === 'local' ? `local.${resource.collection}` : resource.db;
      }),
    );
    expect([...new Set(places)].toSorted()).toEqual(['local.oplog.rs', 'shop', 'the server: admin']);
  });

  it('let the query API write its cache and its watermark alone', () => {
    const { privileges } = mongodbRole('query-api', 'shop');
    const writable = privileges.filter(({ actions }) => actions.some((each) => /insert|update|remove/.test(each)));
    expect(writable.map(collectionOf)).toEqual(['summaryRollups', 'watermark']);
  });

  it('let only the administrator give rights', () => {
    const including = SERVICES.filter((service) => mongodbRole(service, 'shop').roles.length > 0);
    expect(including).toEqual(['admin']);
  });
});

describe('the rights in Kafka', () => {
  const acls = kafkaAcls(roleName);
  const who = (operation: string, name: string): string[] =>
    acls.filter((acl) => acl.operation === operation && acl.name === name).map(({ principal }) => principal);

  it('let only the producer write orders, and only the consumer and the administrator commit offsets', () => {
    expect(who('Write', 'orders.v1')).toEqual(['User:orders-producer']);
    expect(who('Read', 'orders-savers')).toEqual(['User:orders-consumer', 'User:orders-admin']);
    expect(who('Alter', 'kafka-cluster')).toEqual(['User:orders-admin']);
  });

  it('are none for the query API and the facade', () => {
    const users = new Set(acls.map(({ principal }) => principal));
    for (const service of ['query-api', 'facade'] as const) {
      expect(SERVICE_RIGHTS[service].kafka).toEqual([]);
      expect(users).not.toContain(`User:${roleName(service)}`);
    }
  });

  it('are given by one command of the tool for each user and resource', () => {
    const commands = aclCommands(kafkaAcls((service) => (service === 'producer' ? 'emitter' : service)));
    expect(commands).toContain(
      'kafka-acls.sh --bootstrap-server HOST:9093 --command-config admin.properties --add --allow-principal User:emitter ' +
        '--operation Create --operation DescribeConfigs --operation Write --topic orders.v1',
    );
    expect(commands).toContainEqual(
      expect.stringMatching(/User:admin --operation Alter --operation Describe --cluster$/),
    );
  });
});

/** The rows of the tables of rights in docs/security.md, without the padding. */
const ROWS = readFileSync(join(import.meta.dirname, '../../../../docs/security.md'), 'utf8')
  .replace(/^[^]*\n## Who has which rights\n/, '')
  .replace(/\n## [^]*$/, '')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) => line.replaceAll(/\s+/g, ' ').trim());

const code = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

function kafkaRows(service: ServiceName): string[] {
  return SERVICE_RIGHTS[service].kafka.map(
    ({ resource, name, operations }) => `| ${service} | ${resource} \`${name}\` | ${code(operations)} |`,
  );
}

function mongodbRows(service: ServiceName): string[] {
  const { collections, verifies, readsOplog, administers } = SERVICE_RIGHTS[service];
  const row = (access: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`| ${service} | ${access} | ${code(names.toSorted())} |`];
  const having = (access: string): string[] =>
    Object.entries(collections).flatMap(([name, each]) => (each === access ? [name] : []));
  return [
    ...row('write', having('write')),
    ...row('insert and read', having('insert')),
    ...row('read', [...having('read'), ...(readsOplog ? ['local.oplog.rs'] : [])]),
    ...row('list indexes', verifies),
    ...(administers
      ? [
          `| ${service} | everything, and rights of others | \`dbOwner\`, \`userAdminAnyDatabase\` |`,
          `| ${service} | on the server | \`getParameter\`, \`inprog\`, \`setParameter\` |`,
        ]
      : []),
  ];
}

describe('docs/security.md', () => {
  it.each(SERVICES)('has exactly the rights of %s', (service) => {
    const expected = [...kafkaRows(service), ...mongodbRows(service)];
    expect(ROWS.filter((row) => row.startsWith(`| ${service} |`)).toSorted()).toEqual(expected.toSorted());
  });
});
