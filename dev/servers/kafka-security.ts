import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { KafkaSettings } from './kafka-settings.js';
import type { CertifiedKey, PrivateAuthority } from './private-authority.js';
import type { ServerUser } from '#service/rights/service-rights.js';

/** TLS, users and access control of a Kafka. */
export interface KafkaSecurity {
  /** Signs the certificates of the nodes and of the operator: a new one at each start is fine. */
  readonly authority: PrivateAuthority;
  /** The certificate of the operator, who may do everything. Its common name is `OPERATOR_NAME`. */
  readonly operator: CertifiedKey;
  /** Users who may do only what an ACL allows. They get their passwords at each start. */
  readonly clients: readonly ServerUser[];
}

/** The listener for the nodes and the operator, who sign in by certificate. */
export const OPERATOR_LISTENER = 'OPERATORS';
/** The name in the certificates of the nodes and of the operator. */
export const OPERATOR_NAME = 'orders-kafka';
const MECHANISM = 'SCRAM-SHA-512';

/** Returns how the operator connects, at the port of `OPERATOR_LISTENER`. */
export function operatorAccess({ authority, operator }: KafkaSecurity): Pick<KafkaOptions, 'ssl'> {
  return { ssl: { ca: authority.certificate, cert: operator.certificate, key: operator.key } };
}

/** Writes the node's new certificate and its authority. Only the owner can read the private key. */
export async function writeCertificates({ authority }: KafkaSecurity, directory: string): Promise<void> {
  const { certificate, key } = await authority.issue(OPERATOR_NAME, ['127.0.0.1']);
  await mkdir(directory, { recursive: true });
  await writeFile(keyFile(directory), `${key}\n${certificate}\n`, { mode: 0o600 });
  await writeFile(authorityFile(directory), authority.certificate);
}

/** Returns the properties of a secured node. Its certificates are in `directory`. They contain no password. */
export function securityProperties(directory: string): KafkaSettings {
  const login = 'org.apache.kafka.common.security.scram.ScramLoginModule';
  return {
    'inter.broker.listener.name': OPERATOR_LISTENER,
    'sasl.enabled.mechanisms': MECHANISM,
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${login} required;`,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyFile(directory),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': authorityFile(directory),
    'listener.name.controller.ssl.client.auth': 'required',
    [`listener.name.${OPERATOR_LISTENER.toLowerCase()}.ssl.client.auth`]: 'required',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:CN=${OPERATOR_NAME}`,
  };
}

function keyFile(directory: string): string {
  return join(directory, 'node.pem');
}

function authorityFile(directory: string): string {
  return join(directory, 'authority.pem');
}
