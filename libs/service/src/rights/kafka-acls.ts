import { SERVICE_RIGHTS, SERVICES, type KafkaOperation, type KafkaRight, type ServiceName } from './service-rights.js';

/** One permission of one user, for every host. */
export interface KafkaAcl extends Pick<KafkaRight, 'resource' | 'name'> {
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
