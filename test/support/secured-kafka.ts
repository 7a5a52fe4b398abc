import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KafkaUser } from '../../dev/servers/kafka-security.js';
import type { KafkaSettings } from '../../dev/servers/kafka-settings.js';
import { PrivateAuthority } from '../../dev/servers/private-authority.js';
import { KafkaTools } from './foreign-clients/kafka-tools.js';
import { StandaloneKafka } from './standalone-kafka.js';

const BROKER: KafkaUser = { name: 'broker', password: 'canary-broker-password' };
/** The user of the services. Its password, like all here, must appear nowhere. */
export const ORDERS: KafkaUser = { name: 'orders', password: 'canary-orders-password' };
/** The user of `npm run admin`. */
export const OPERATOR: KafkaUser = { name: 'operator', password: 'canary-operator-password' };
/** A user without rights. */
export const STRANGER: KafkaUser = { name: 'stranger', password: 'canary-stranger-password' };

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
    const security = { authority, broker: BROKER, clients: [ORDERS, OPERATOR, STRANGER] };
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
  settingsOf({ name, password }: KafkaUser): NodeJS.ProcessEnv {
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

  /** Adds ACLs by Kafka's own tool: those calls of kafkajs fail with Kafka 4. @param resources such as `--topic`, `orders.v1` */
  async allow({ name }: KafkaUser, resources: readonly string[], operations: readonly string[]): Promise<void> {
    const login = 'org.apache.kafka.common.security.scram.ScramLoginModule';
    const properties = {
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config': `${login} required username="${BROKER.name}" password="${BROKER.password}";`,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': this.authority,
    };
    const file = join(this.folder, 'admin.properties');
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    await writeFile(file, lines.join(''));
    const allowed = operations.flatMap((operation) => ['--operation', operation]);
    const tools = await KafkaTools.provide();
    const connection = ['--bootstrap-server', this.brokers, '--command-config', file];
    await tools.run('AclCommand', [
      ...connection,
      '--add',
      '--allow-principal',
      `User:${name}`,
      ...allowed,
      ...resources,
    ]);
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
