import { describe, expect, it } from '@jest/globals';
import { aclCommands, kafkaAcls } from './kafka-rights.js';
import { mongodbRole, roleName, type MongodbPrivilege } from './mongodb-rights.js';
import { SERVICE_RIGHTS, SERVICES, type ServiceName } from './service-rights.js';

const collectionOf = ({ resource }: MongodbPrivilege): string | undefined =>
  'cluster' in resource ? undefined : resource.collection;

const privilegesOf = (service: ServiceName): readonly MongodbPrivilege[] => mongodbRole(service, 'shop').privileges;

describe('the rights in MongoDB', () => {
  it.each(SERVICES)('let only the consumer add orders, and no service change or remove one: %s', (service) => {
    const actions = privilegesOf(service).find((each) => collectionOf(each) === 'orders')?.actions ?? [];
    expect(actions.includes('insert')).toBe(service === 'consumer');
    for (const action of ['update', 'remove', 'dropCollection']) expect(actions).not.toContain(action);
  });

  it('are those of the database of the orders, for reconciliation the oplog, and for the administrator some of the server', () => {
    const places = SERVICES.flatMap((service) =>
      privilegesOf(service).map(({ resource }) => {
        if ('cluster' in resource) return `the server: ${service}`;
        return resource.db === 'local' ? `local.${resource.collection}` : resource.db;
      }),
    );
    expect([...new Set(places)].toSorted()).toEqual(['local.oplog.rs', 'shop', 'the server: admin']);
  });

  it('let the query API write its cache and its watermark alone', () => {
    const writable = privilegesOf('query-api').filter(({ actions }) => /insert|update|remove/.test(String(actions)));
    expect(writable.map(collectionOf)).toEqual(['summaryRollups', 'watermark']);
  });

  it('let only the administrator give rights', () => {
    expect(SERVICES.filter((service) => mongodbRole(service, 'shop').roles.length > 0)).toEqual(['admin']);
  });
});

describe('the rights in Kafka', () => {
  const acls = kafkaAcls(roleName);

  it.each([
    ['Write', 'orders.v1', ['User:orders-producer']],
    ['Read', 'orders-savers', ['User:orders-consumer', 'User:orders-admin']],
    ['Alter', 'kafka-cluster', ['User:orders-admin']],
  ])('to %s %s have only %j', (operation, name, principals) => {
    const having = acls.filter((acl) => acl.operation === operation && acl.name === name);
    expect(having.map(({ principal }) => principal)).toEqual(principals);
  });

  it.each(['query-api', 'facade'] as const)('are none for %s', (service) => {
    expect(SERVICE_RIGHTS[service].kafka).toEqual([]);
    expect(acls.map(({ principal }) => principal)).not.toContain(`User:${roleName(service)}`);
  });

  it('are given by one command of the tool for each user and resource', () => {
    const commands = aclCommands(kafkaAcls((service) => (service === 'producer' ? 'emitter' : service)));
    expect(commands).toContain(
      'kafka-acls.sh --bootstrap-server HOST:9093 --command-config admin.properties --add --allow-principal User:emitter ' +
        '--operation Create --operation DescribeConfigs --operation Write --topic orders.v1',
    );
    const onCluster = /User:admin --operation Alter --operation Describe --cluster$/;
    expect(commands).toContainEqual(expect.stringMatching(onCluster));
  });
});
