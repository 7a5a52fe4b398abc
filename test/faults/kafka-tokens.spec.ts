import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectKafka, type KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import { z } from 'zod';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { kafkaAccess } from '#service/kafka/kafka-access.js';
import { KafkaProbe } from '#service/kafka/kafka-clients.js';
import { prepareTopics } from '#service/kafka/prepare-topics.js';
import { explainConnection } from '#service/availability/explain-connection.js';
import { kafkaConnectionSettings } from '#service/settings/kafka-settings.js';
import { loadSettings } from '#service/settings/settings.js';
import { ORDERS, SecuredKafka } from '../support/own-servers.js';
import { TestIssuer } from '../support/test-issuer.js';

const Schema = z.object(kafkaConnectionSettings);
const ANY = { partitions: 2, clusterId: undefined, replicationFactor: 1, minInSyncReplicas: 1 };
const LISTENER = 'listener.name.sasl_ssl.oauthbearer';
const OAUTH = 'org.apache.kafka.common.security.oauthbearer';

/** Grants tokens of `issuer` to the client `orders`. */
async function tokenEndpoint(issuer: TestIssuer, isAway: () => boolean): Promise<Server> {
  const token = await issuer.token({ claims: { sub: ORDERS.name } });
  const server = createServer((request, response) => {
    const [status, body] = isAway()
      ? [503, {}]
      : clientOf(request) === `${ORDERS.name}:${ORDERS.password}`
        ? [200, { access_token: token, token_type: 'Bearer', expires_in: 600 }]
        : [401, { error: 'invalid_client' }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Returns the id and secret of basic authentication, which are encoded like a form (RFC 6749, section 2.3.1). */
function clientOf({ headers }: IncomingMessage): string {
  const [, encoded = ''] = String(headers.authorization).split(' ');
  return decodeURIComponent(Buffer.from(encoded, 'base64').toString());
}

describe('a Kafka whose users sign in with tokens', () => {
  const { JDK_JAVA_OPTIONS: javaOptions } = process.env;
  const log: string[] = [];
  const write = (...line: unknown[]): void => void log.push(JSON.stringify(line));
  const logger = { debug: write, info: write, warn: write, error: write };
  let issuer: TestIssuer;
  let endpoint: Server;
  let kafka: SecuredKafka;
  let isAway = false;

  beforeAll(async () => {
    issuer = await TestIssuer.start();
    endpoint = await tokenEndpoint(issuer, () => isAway);
    const keys = `${issuer.url}/keys`;
    // Kafka requests keys only from addresses on this list.
    process.env['JDK_JAVA_OPTIONS'] = `${javaOptions ?? ''} -Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${keys}`;
    kafka = await SecuredKafka.start({
      'sasl.enabled.mechanisms': 'SCRAM-SHA-512,OAUTHBEARER',
      [`${LISTENER}.sasl.jaas.config`]: `${OAUTH}.OAuthBearerLoginModule required;`,
      [`${LISTENER}.sasl.server.callback.handler.class`]: `${OAUTH}.OAuthBearerValidatorCallbackHandler`,
      [`${LISTENER}.sasl.oauthbearer.jwks.endpoint.url`]: keys,
      [`${LISTENER}.sasl.oauthbearer.expected.audience`]: 'orders',
      [`${LISTENER}.sasl.oauthbearer.expected.issuer`]: issuer.url,
    });
    await kafka.allow(ORDERS, 'topic', [ORDERS_TOPIC, DEAD_LETTER_TOPIC], ['Create', 'Read']);
  });

  afterAll(async () => {
    process.env['JDK_JAVA_OPTIONS'] = javaOptions ?? '';
    await kafka?.stop();
    endpoint.close();
    await issuer.stop();
  });

  function optionsOf(password: string): KafkaOptions {
    const settings = {
      ...kafka.settingsOf({ ...ORDERS, password }),
      KAFKA_SASL_MECHANISM: 'oauthbearer',
      KAFKA_SASL_TOKEN_URL: `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`,
    };
    return { ...kafkaAccess(loadSettings(Schema, settings)), clientId: 'spec', logger };
  }

  it('accepts the token that the issuer grants to the client, with the rights of its subject', async () => {
    expect(await prepareTopics(connectKafka(optionsOf(ORDERS.password)), ANY, logger)).toBe(2);
  });

  it('is explained in one line if the issuer rejects the client', async () => {
    const probe = new KafkaProbe(optionsOf('canary-wrong-password'));
    const error: unknown = await probe.requireAccess().catch((failure: unknown) => failure);
    await probe.close();
    const line = explainConnection(error);
    expect(line).toContain('The issuer at KAFKA_SASL_TOKEN_URL rejects the client: correct KAFKA_SASL_USERNAME or');
    expect(`${line} ${log.join('\n')}`).not.toContain('canary');
  });

  it('waits while the issuer is away, and continues once it is back', async () => {
    isAway = true;
    const admin = connectKafka(optionsOf(ORDERS.password)).admin();
    const connected = admin.connect();
    const probe = new KafkaProbe(optionsOf(ORDERS.password));
    await expect(probe.check()).rejects.toThrow('no token for Kafka');
    await probe.requireAccess();
    isAway = false;
    await connected;
    expect(await admin.listTopics()).toContain(ORDERS_TOPIC);
    await Promise.all([admin.disconnect(), probe.close()]);
  });
});
