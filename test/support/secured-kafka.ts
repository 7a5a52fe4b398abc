import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addAcls } from '#service/rights/kafka-rights.js';
import type { KafkaOperation, KafkaRight, ServerUser } from '#service/rights/service-rights.js';
import { type KafkaSettings, OPERATOR_NAME } from '../../dev/servers/kafka.js';
import { PrivateAuthority } from '../../dev/servers/private-authority.js';
import { StandaloneKafka } from './standalone-kafka.js';
import { asAdmin } from './topic-writer.js';

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
