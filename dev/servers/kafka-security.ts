import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { KafkaSettings } from './kafka-settings.js';
import type { PrivateAuthority } from './private-authority.js';

/** A user with a password, at a Kafka that requires one. */
export interface KafkaUser {
  readonly name: string;
  readonly password: string;
}

/** TLS, users and access control of a Kafka. Users exist from the first start of its data on: they are created with its storage. */
export interface KafkaSecurity {
  /** Signs the certificates of the nodes. */
  readonly authority: PrivateAuthority;
  /** The user of the brokers themselves, who may do everything. */
  readonly broker: KafkaUser;
  /** Users who may do only what an ACL allows. */
  readonly clients: readonly KafkaUser[];
}

const MECHANISM = 'SCRAM-SHA-512';
/** The name in the nodes' certificates, by which controllers recognize each other. */
const NODE_NAME = 'orders-kafka';

/** Returns how a user connects to a secured Kafka. */
export function accessOf(
  { name, password }: KafkaUser,
  authority: PrivateAuthority,
): Pick<KafkaOptions, 'ssl' | 'sasl'> {
  return { ssl: { ca: authority.certificate }, sasl: { mechanism: 'scram-sha-512', username: name, password } };
}

/** Writes the node's new certificate and its authority. Only the owner can read the private key. */
export async function writeCertificates({ authority }: KafkaSecurity, directory: string): Promise<void> {
  const { certificate, key } = await authority.issue(NODE_NAME, ['127.0.0.1']);
  await mkdir(directory, { recursive: true });
  await writeFile(keyFile(directory), `${key}\n${certificate}\n`, { mode: 0o600 });
  await writeFile(authorityFile(directory), authority.certificate);
}

/** Returns the properties of a secured node. Its certificates are in `directory`. */
export function securityProperties({ broker }: KafkaSecurity, directory: string): KafkaSettings {
  const login = 'org.apache.kafka.common.security.scram.ScramLoginModule';
  return {
    'inter.broker.listener.name': 'SASL_SSL',
    'sasl.enabled.mechanisms': MECHANISM,
    'sasl.mechanism.inter.broker.protocol': MECHANISM,
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${login} required username="${broker.name}" password="${broker.password}";`,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyFile(directory),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': authorityFile(directory),
    'listener.name.controller.ssl.client.auth': 'required',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:${broker.name};User:CN=${NODE_NAME}`,
  };
}

/** Returns the arguments that create the users when the storage is formatted. */
export function scramArguments({ broker, clients }: KafkaSecurity): string[] {
  return [broker, ...clients].flatMap(({ name, password }) => [
    '--add-scram',
    `${MECHANISM}=[name=${name},password=${password}]`,
  ]);
}

function keyFile(directory: string): string {
  return join(directory, 'node.pem');
}

function authorityFile(directory: string): string {
  return join(directory, 'authority.pem');
}
