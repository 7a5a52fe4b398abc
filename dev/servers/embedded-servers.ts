import type { PortClaim } from '../machine/ports.js';
import type { EmbeddedChoice, EmbeddedParts } from '../parts/embedded-parts.js';
import type { DataDirectory } from './data-directory.js';
import { KafkaCluster, singleNode, type PeerPort, KafkaServer } from './kafka.js';
import { mongodbUri, MongodbServer, replicaSet, singleMember, keyAccess, type MongodbSecurity } from './mongodb.js';
import { RegistryServer } from './registry.js';
import { ServerGuard, Server, type ServerEvents } from './server.js';
import type { StackSecurity } from './security.js';
import type { Kafka } from 'kafkajs';
import { MongoClient } from 'mongodb';
import { aclDifferences, addAcls, kafkaAcls } from '#service/rights/kafka-rights.js';
import { applyRole, roleDifferences, ROLES_DB, setMongodbUsers, roleName } from '#service/rights/mongodb-rights.js';
import type { ServerUser } from '#service/rights/service-rights.js';

/** The ports of the embedded servers. With several nodes, the others use the next ports. */
export interface ServerPorts {
  readonly kafka: number;
  readonly registry: number;
  readonly mongodb: number;
}

/** The addresses of the servers and how safely they keep records, as environment variables of the apps. A server that isn't embedded has none here. */
export interface ServerAddresses {
  KAFKA_BROKERS?: string;
  KAFKA_CLUSTER_ID?: string;
  TOPIC_REPLICATION_FACTOR?: string;
  TOPIC_MIN_INSYNC_REPLICAS?: string;
  SCHEMA_REGISTRY_URL?: string;
  MONGODB_URI?: string;
}

/** Which servers run, at which ports, and how many nodes of each. */
export interface ServerLayout {
  readonly choice: EmbeddedChoice;
  readonly ports: ServerPorts;
  /** Three nodes each of Kafka and MongoDB, any one of which may be unavailable. */
  readonly isReplicated: boolean;
  /**
   * For a replicated layout: the ports where nodes of one kind reach each other, if they differ from those they listen on.
   * MongoDB's clients use them too.
   */
  readonly peers?: { readonly kafka: readonly PeerPort[]; readonly mongodb: readonly number[] };
  /** TLS, users and their rights at all servers. Default: none of them. Not together with `peers`. */
  readonly security?: StackSecurity;
}

const REPLICAS = 3;

/** Returns the ports that the servers will use. */
export function serverPortClaims({ choice, ports, isReplicated }: ServerLayout): PortClaim[] {
  const host = '127.0.0.1';
  const claims = (owner: string, all: readonly number[], setting: string): PortClaim[] =>
    all.map((port) => ({ owner, host, port, setting }));
  return [
    ...(choice.kafka ? claims('Kafka', nodePorts(ports.kafka, isReplicated), 'KAFKA_PORT') : []),
    ...(choice.registry ? claims('the schema registry', [ports.registry], 'REGISTRY_PORT') : []),
    ...(choice.mongodb ? claims('MongoDB', nodePorts(ports.mongodb, isReplicated), 'MONGODB_PORT') : []),
  ];
}

function nodePorts(first: number, isReplicated: boolean): number[] {
  return Array.from({ length: isReplicated ? REPLICAS : 1 }, (_, at) => first + at);
}

/** The programs of a layout. */
interface Programs {
  readonly kafka: readonly KafkaServer[];
  readonly registry: RegistryServer | undefined;
  readonly mongodb: readonly MongodbServer[];
}

/** The chosen servers on one data folder, started and stopped together: none of them depends on another. */
export class EmbeddedServers {
  readonly guard: ServerGuard;
  private readonly servers: readonly Server[];

  private constructor(
    private readonly layout: ServerLayout,
    private readonly programs: Programs,
    data: DataDirectory,
    events: ServerEvents,
  ) {
    this.guard = new ServerGuard(data.path);
    const surroundings = { records: data.records, guard: this.guard };
    const { kafka, registry, mongodb } = programs;
    this.servers = [...kafka, ...(registry === undefined ? [] : [registry]), ...mongodb].map(
      (program) => new Server(program, surroundings, events),
    );
  }

  /** Creates the servers without starting them. */
  static async of(
    layout: ServerLayout,
    data: DataDirectory,
    parts: EmbeddedParts,
    events: ServerEvents,
  ): Promise<EmbeddedServers> {
    const { choice, ports } = layout;
    const programs = {
      kafka: choice.kafka ? await kafkaNodes(layout, parts, data.path) : [],
      registry: choice.registry
        ? new RegistryServer(parts, ports.registry, data.path, layout.security?.registry)
        : undefined,
      mongodb: choice.mongodb ? mongodbMembers(layout, parts, data.path) : [],
    };
    return new EmbeddedServers(layout, programs, data, events);
  }

  /**
   * Resolves when all servers are ready. Rejects with `server-failed` for the first one that fails; stop() must then end the others.
   */
  async start(onReady: (name: string, milliseconds: number) => void): Promise<void> {
    const startedAt = performance.now();
    await Promise.all(
      this.servers.map(async (server) => {
        await server.start();
        onReady(server.name, performance.now() - startedAt);
      }),
    );
    if (this.layout.security !== undefined) await this.grantRights(this.layout.security);
  }

  /** Gives the services their rights, after each start: an earlier version may have had others. */
  private async grantRights(security: StackSecurity): Promise<void> {
    const { kafka, mongodb } = this.programs;
    const [node] = kafka;
    await Promise.all([
      node && grantKafkaRights(node.operatorClient()),
      mongodb.length > 0 && grantMongodbRights(this.mongodbUri, security.mongodb, security.users),
    ]);
  }

  private get mongodbUri(): string {
    return mongodbUri(this.mongodbPorts);
  }

  /** Returns one server, such as `Kafka-2`, to be stopped and started separately. */
  server(name: string): Server {
    const found = this.servers.find((server) => server.name === name);
    if (found === undefined) throw new RangeError(`Unknown server "${name}"`);
    return found;
  }

  /** The ports where clients reach the members of MongoDB's set. */
  get mongodbPorts(): readonly number[] {
    const { ports, isReplicated, peers } = this.layout;
    return peers?.mongodb ?? nodePorts(ports.mongodb, isReplicated);
  }

  /** Returns the addresses; only after the start. Those of secured servers have no user. */
  async addresses(): Promise<ServerAddresses> {
    const { kafka, registry, mongodb } = this.programs;
    const { isReplicated } = this.layout;
    const [node] = kafka;
    return {
      ...(node && {
        KAFKA_BROKERS: kafka.map(({ brokers }) => brokers).join(','),
        KAFKA_CLUSTER_ID: await node.clusterId(),
        TOPIC_REPLICATION_FACTOR: isReplicated ? '3' : '1',
        TOPIC_MIN_INSYNC_REPLICAS: isReplicated ? '2' : '1',
      }),
      ...(registry && { SCHEMA_REGISTRY_URL: registry.url }),
      ...(mongodb.length > 0 && { MONGODB_URI: this.mongodbUri }),
    };
  }

  /** Kills all servers at once; none is started again. */
  async kill(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
  }

  /** Stops all servers, in any state, and kills one that takes longer than `budgetMs`. Idempotent. */
  async stop(budgetMs: number): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop(budgetMs)));
    this.guard.dismiss();
  }
}

async function kafkaNodes(
  { ports, isReplicated, peers, security }: ServerLayout,
  parts: EmbeddedParts,
  dataDirectory: string,
): Promise<readonly KafkaServer[]> {
  const secured = security?.kafka;
  if (isReplicated)
    return (await KafkaCluster.of(parts, nodePorts(ports.kafka, true), dataDirectory, {}, peers?.kafka, secured)).nodes;
  const node = { ...singleNode(ports.kafka, dataDirectory), ...(secured !== undefined && { security: secured }) };
  return [new KafkaServer(parts, node, dataDirectory)];
}

function mongodbMembers(layout: ServerLayout, parts: EmbeddedParts, path: string): MongodbServer[] {
  const { ports, isReplicated, peers, security } = layout;
  const secured = security && { security: security.mongodb };
  const members = isReplicated
    ? replicaSet(nodePorts(ports.mongodb, true), path, peers?.mongodb)
    : [singleMember(ports.mongodb, path)];
  return members.map((member) => new MongodbServer(parts, { ...member, ...secured }, path));
}

/** Gives every service its rights in Kafka, as `npm run admin -- roles apply` does. @param kafka of the operator */
async function grantKafkaRights(kafka: Kafka): Promise<void> {
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
async function grantMongodbRights(uri: string, security: MongodbSecurity, users: readonly ServerUser[]): Promise<void> {
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
