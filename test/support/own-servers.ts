import { join } from 'node:path';
import { DEAD_LETTER_GROUP, ORDERS_CONSUMER_GROUP } from '#orders/topics/topics.js';
import type { Admin, Kafka } from 'kafkajs';
import type { KafkaOfGroup } from './member/test-group.js';
import { asAdmin, deleteTopics, quietKafka } from './topic-writer.js';
import { eventually } from './eventually.js';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { freePort } from '../../dev/machine/ports.js';
import { provideParts } from '../../dev/parts/embedded-parts.js';
import { DataDirectory } from '../../dev/servers/data-directory.js';
import {
  KafkaCluster,
  operatorAccess,
  type KafkaSecurity,
  type KafkaSettings,
  OPERATOR_NAME,
} from '../../dev/servers/kafka.js';
import { ServerGuard, Server } from '../../dev/servers/server.js';
import { mongodbUri, MongodbServer, singleMember } from '../../dev/servers/mongodb.js';
import { addAcls } from '#service/rights/kafka-rights.js';
import type { KafkaOperation, KafkaRight, ServerUser } from '#service/rights/service-rights.js';
import { PrivateAuthority } from '../../dev/servers/private-authority.js';

/** The addresses of Kafka, the registry and MongoDB, and how safely Kafka keeps records, as the settings of `npm start`. */
export interface GivenServers {
  readonly KAFKA_BROKERS: string;
  readonly TOPIC_REPLICATION_FACTOR: string;
  readonly TOPIC_MIN_INSYNC_REPLICAS: string;
  readonly SCHEMA_REGISTRY_URL: string;
  readonly MONGODB_URI: string;
}

/** The servers of a Jest worker, as `shared-servers.mjs` announces them. */
interface WorkerServers {
  readonly addresses: GivenServers;
  /** Their data folder. */
  readonly directory: string;
}

/** The Kafka of a Jest worker. */
interface WorkerKafka extends KafkaOfGroup {
  /** Returns the folder of a partition's segments. */
  partitionDirectory(topic: string, partition: number): string;
}

const GROUPS = [ORDERS_CONSUMER_GROUP, DEAD_LETTER_GROUP];

/**
 * Returns the servers of this Jest worker (see `shared-servers.mjs`) with no topics, no consumer groups and a new database.
 * @returns `undefined` in projects without shared servers
 */
export async function emptyServers(): Promise<GivenServers | undefined> {
  const servers = workerServers()?.addresses;
  if (servers === undefined) return undefined;
  await asAdmin(quietKafka(servers.KAFKA_BROKERS), removeTopics);
  const uri = new URL(servers.MONGODB_URI);
  uri.pathname = `/orders-${crypto.randomUUID()}`;
  return { ...servers, MONGODB_URI: uri.href };
}

/**
 * Returns the Kafka of this Jest worker, for specs that need no other server and use topics and groups with unique names.
 * @throws Error in projects without shared servers
 */
export function workerKafka(): WorkerKafka {
  const servers = workerServers();
  if (servers === undefined) throw new Error('only the projects `real` and `faults` have shared servers');
  const brokers = servers.addresses.KAFKA_BROKERS;
  return {
    brokers,
    kafka: quietKafka(brokers),
    nodes: { length: 1 },
    partitionDirectory: (topic, partition) => join(servers.directory, 'kafka', 'records', `${topic}-${partition}`),
  };
}

function workerServers(): WorkerServers | undefined {
  const shared = process.env[`SHARED_SERVERS_${process.env['JEST_WORKER_ID']}`];
  return shared === undefined ? undefined : (JSON.parse(shared) as WorkerServers);
}

/** Removes all topics and the groups of the apps, and waits until the broker no longer lists them: an app creates only what is missing. */
async function removeTopics(admin: Admin): Promise<void> {
  await eventually('no group of an app is left', async () => {
    const { groups } = await admin.describeGroups(GROUPS);
    const left = groups.filter(({ state }) => state !== 'Dead');
    // A group can be removed only once it has no members.
    const empty = left.filter(({ state }) => state === 'Empty').map(({ groupId }) => groupId);
    if (empty.length > 0) await admin.deleteGroups(empty);
    return empty.length === left.length;
  });
  await deleteTopics(admin, async () => (await admin.listTopics()).filter((topic) => !topic.startsWith('__')));
}

/** A killed node can register again, and its partitions move, only after its session has timed out: 9 s by default. */
const SHORT_SESSION: KafkaSettings = { 'broker.session.timeout.ms': 4_000, 'broker.heartbeat.interval.ms': 1_000 };
const quiet = (): void => undefined;

/** A real Kafka without other servers, on new data in a temporary folder. Each of its nodes can be killed and restarted. */
export class StandaloneKafka {
  private constructor(
    readonly brokers: string,
    readonly nodes: readonly Server[],
    private readonly data: DataDirectory,
    private readonly guard: ServerGuard,
    private readonly operator: { readonly brokers: () => string; readonly security: KafkaSecurity } | undefined,
  ) {}

  /**
   * A client without log output, of the operator if there are users. It has no connection of its own; its admins, producers and
   * consumers connect separately.
   */
  get kafka(): Kafka {
    if (this.operator === undefined) return quietKafka(this.brokers);
    return quietKafka(this.operator.brokers(), operatorAccess(this.operator.security));
  }

  /** Resolves when all nodes are ready. @param size one node, or three with replication */
  static async start(size: 1 | 3, settings: KafkaSettings = {}, security?: KafkaSecurity): Promise<StandaloneKafka> {
    const parts = await provideParts(
      { kafka: true, registry: false, mongodb: false },
      quiet,
      new AbortController().signal,
    );
    const data = await DataDirectory.open(await mkdtemp(join(tmpdir(), 'orders-kafka-')), quiet);
    const guard = new ServerGuard(data.path);
    const ports: number[] = [];
    while (ports.length < size) ports.push(await freePort());
    const all = { ...SHORT_SESSION, ...settings };
    const { brokers, nodes } = await KafkaCluster.of(parts, ports, data.path, all, [], security);
    const events = { onEnded: quiet, onRecovered: quiet };
    const servers = nodes.map((node) => new Server(node, { records: data.records, guard }, events));
    const operator = security && {
      brokers: () => nodes.map(({ operatorBrokers }) => operatorBrokers).join(','),
      security,
    };
    const alone = new StandaloneKafka(brokers, servers, data, guard, operator);
    try {
      await Promise.all(servers.map((server) => server.start()));
    } catch (error) {
      await alone.stop();
      throw error;
    }
    return alone;
  }

  /** Returns the node with this id: 1, 2 ... */
  node(id: number): Server {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new RangeError(`Unknown node ${id}`);
    return node;
  }

  /** Returns the folder of a partition's segments on a node. Change the segments only while the node is stopped. */
  partitionDirectory(topic: string, partition: number, id = 1): string {
    return join(this.data.path, `kafka-${id}`, 'records', `${topic}-${partition}`);
  }

  /** Kills all nodes, since their data isn't needed any more, and removes the data. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    this.guard.dismiss();
    this.data.close();
    await rm(this.data.path, { recursive: true, force: true });
  }
}

const STOP_BUDGET_MS = 10_000;
/** A real MongoDB without other servers, which is started again whenever its process ends. */
export class StandaloneMongodb {
  private constructor(
    readonly uri: string,
    private readonly server: Server,
    private readonly data: DataDirectory,
    private readonly guard: ServerGuard,
  ) {}

  /** Resolves when it serves. @param directory its data are in the subfolder `mongodb` */
  static async start(directory: string): Promise<StandaloneMongodb> {
    const choice = { kafka: false, registry: false, mongodb: true };
    const parts = await provideParts(choice, quiet, new AbortController().signal);
    const data = await DataDirectory.open(directory, quiet);
    const guard = new ServerGuard(data.path);
    const port = await freePort();
    const program = new MongodbServer(parts, singleMember(port, data.path), data.path);
    const server = new Server(program, { records: data.records, guard }, { onEnded: quiet, onRecovered: quiet });
    const mongodb = new StandaloneMongodb(mongodbUri([port]), server, data, guard);
    try {
      await server.start();
    } catch (error) {
      await mongodb.stop();
      throw error;
    }
    return mongodb;
  }

  async stop(): Promise<void> {
    await this.server.stop(STOP_BUDGET_MS);
    this.guard.dismiss();
    this.data.close();
  }
}

/** The user of the services. Its password, like all here, must appear nowhere. */
export const ORDERS: ServerUser = { name: 'orders', password: 'canary-orders-password' };
/** The user of `npm run admin`. */
export const OPERATOR: ServerUser = { name: 'operator', password: 'canary-operator-password' };
/** A user without rights. */
export const STRANGER: ServerUser = { name: 'stranger', password: 'canary-stranger-password' };

/** A real Kafka of one node with TLS, users and ACLs, on new data in a temporary folder. */
export class SecuredKafka {
  private constructor(
    private readonly kafka: StandaloneKafka,
    /** Has the authority's certificate, and may have further files of a spec. */
    readonly folder: string,
  ) {}

  static async start(settings: KafkaSettings = {}): Promise<SecuredKafka> {
    const folder = await mkdtemp(join(tmpdir(), 'secured-kafka-'));
    const [authority, foreign] = await Promise.all([PrivateAuthority.create(), PrivateAuthority.create()]);
    const operator = await authority.issue(OPERATOR_NAME, ['127.0.0.1']);
    const security = { authority, operator, clients: [ORDERS, OPERATOR, STRANGER] };
    const kafka = new SecuredKafka(await StandaloneKafka.start(1, settings, security), folder);
    await writeFile(kafka.authority, authority.certificate);
    await writeFile(kafka.foreignAuthority, foreign.certificate);
    return kafka;
  }

  get brokers(): string {
    return this.kafka.brokers;
  }

  get logFile(): string {
    return this.kafka.node(1).program.logFile;
  }

  /** The file of an authority that has signed none of Kafka's certificates. */
  get foreignAuthority(): string {
    return join(this.folder, 'foreign.pem');
  }

  /** Returns the settings of a service. */
  settingsOf({ name, password }: ServerUser): NodeJS.ProcessEnv {
    return {
      KAFKA_BROKERS: this.brokers,
      TOPIC_REPLICATION_FACTOR: '1',
      TOPIC_MIN_INSYNC_REPLICAS: '1',
      KAFKA_SSL: 'true',
      KAFKA_SSL_CA_FILE: this.authority,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: name,
      KAFKA_SASL_PASSWORD: password,
    };
  }

  /** Returns how Kafka's scripts connect as a user, as the text of a properties file. */
  propertiesOf({ name, password }: ServerUser): string {
    const login = 'org.apache.kafka.common.security.scram.ScramLoginModule required';
    return [
      'security.protocol=SASL_SSL',
      'ssl.truststore.type=PEM',
      `ssl.truststore.location=${this.authority}`,
      'sasl.mechanism=SCRAM-SHA-512',
      `sasl.jaas.config=${login} username="${name}" password="${password}";`,
    ].join('\n');
  }

  /** Lets a user do operations on topics or groups. */
  async allow(
    { name: user }: ServerUser,
    resource: KafkaRight['resource'],
    names: readonly string[],
    operations: readonly KafkaOperation[],
  ): Promise<void> {
    const principal = `User:${user}`;
    const acls = names.flatMap((name) => operations.map((operation) => ({ principal, resource, name, operation })));
    await asAdmin(this.kafka.kafka, (admin) => addAcls(admin, acls));
  }

  /** Kills the node and removes its data. */
  async stop(): Promise<void> {
    await this.kafka.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  private get authority(): string {
    return join(this.folder, 'authority.pem');
  }
}
