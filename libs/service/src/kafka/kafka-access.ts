import { createSecureContext } from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import type { z } from 'zod';
import * as oauth from 'oauth4webapi';
import type { KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { PlatformaticOptions } from '@orders-pipeline/parallel-consumer/platformatic';
import { timeLimit } from '#orders/time-limit.js';
import type { RegistryAccess } from '#orders/order/registry-connection.js';
import type { kafkaConnectionSettings, registrySettings } from '../settings/kafka-settings.js';
import { documentedAt, SettingsError } from '../settings/settings.js';

type KafkaConnectionSettings = z.infer<z.ZodObject<typeof kafkaConnectionSettings>>;

/**
 * Returns the brokers, and how to connect to them: plain or with TLS, with or without a user.
 * @throws SettingsError if the private key does not belong to the certificate, or if `oauthbearer` has no token endpoint
 */
export function kafkaAccess(settings: KafkaConnectionSettings): Pick<KafkaOptions, 'brokers' | 'ssl' | 'sasl'> {
  const sasl = saslOptions(settings);
  return {
    brokers: settings.KAFKA_BROKERS,
    ...(settings.KAFKA_SSL === 'true' && { ssl: tlsOptions(settings) }),
    ...(sasl !== undefined && { sasl }),
  };
}

function saslOptions(settings: KafkaConnectionSettings): SASLOptions | undefined {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username = '' } = settings;
  const {
    KAFKA_SASL_PASSWORD: password = '',
    KAFKA_SASL_TOKEN_URL: tokenUrl,
    KAFKA_SASL_TOKEN_SCOPE: scope,
  } = settings;
  if (mechanism === undefined) return undefined;
  if (mechanism !== 'oauthbearer') return { mechanism, username, password };
  if (tokenUrl === undefined)
    throw new SettingsError(
      `KAFKA_SASL_MECHANISM=oauthbearer needs KAFKA_SASL_TOKEN_URL: set it to the issuer's token endpoint (${documentedAt('KAFKA_SASL_TOKEN_URL')})`,
    );
  return { mechanism, oauthBearerProvider: kafkaTokens({ tokenUrl, id: username, secret: password, scope }) };
}

function tlsOptions(settings: KafkaConnectionSettings): { ca?: string; cert?: string; key?: string } {
  const { KAFKA_SSL_CA_FILE: ca, KAFKA_SSL_CERT_FILE: cert, KAFKA_SSL_KEY_FILE: key } = settings;
  const options = { ...(ca !== undefined && { ca }), ...(cert !== undefined && key !== undefined && { cert, key }) };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new SettingsError(
      `KAFKA_SSL_KEY_FILE does not belong to the first certificate in KAFKA_SSL_CERT_FILE: set the files of one pair (${documentedAt('KAFKA_SSL_KEY_FILE')})`,
      { cause },
    );
  }
  return options;
}

const MECHANISMS = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
  oauthbearer: 'OAUTHBEARER',
} as const;

/** Returns the brokers, and how to connect to them, in the format of `@platformatic/kafka`. @throws SettingsError as `kafkaAccess` */
export function platformaticAccess(
  settings: z.infer<z.ZodObject<typeof kafkaConnectionSettings>>,
): Pick<PlatformaticOptions, 'brokers' | 'tls' | 'sasl'> {
  const { brokers, ssl, sasl } = kafkaAccess(settings);
  return {
    brokers,
    ...(typeof ssl === 'object' && { tls: ssl }),
    ...(sasl !== undefined && { sasl: toPlatformatic(sasl) }),
  };
}

function toPlatformatic(sasl: NonNullable<KafkaOptions['sasl']>): NonNullable<PlatformaticOptions['sasl']> {
  const mechanism = MECHANISMS[sasl.mechanism as keyof typeof MECHANISMS];
  if ('oauthBearerProvider' in sasl) {
    const { oauthBearerProvider } = sasl;
    return { mechanism, token: async () => (await oauthBearerProvider()).value };
  }
  const { username, password } = sasl as { readonly username: string; readonly password: string };
  return { mechanism, username, password };
}

/** A client of a token issuer, with which a service signs in at Kafka. */
interface KafkaTokenClient {
  readonly tokenUrl: string;
  readonly id: string;
  readonly secret: string;
  readonly scope: string | undefined;
}

const TIMEOUT_MS = timeLimit(5_000);

/** The issuer rejects the client: another attempt would fail too. */
class KafkaTokenRejectedError extends Error {
  override readonly name = 'KafkaTokenRejectedError';
  /** kafkajs reads it. */
  readonly retriable = false;
}

/** The issuer is unavailable. */
class KafkaTokenUnavailableError extends Error {
  /** Only for this name, kafkajs closes the connection: the broker rejects a second attempt to sign in on the same one. */
  override readonly name = 'KafkaJSConnectionError';
  /** Without it, kafkajs would give up at once. */
  readonly retriable = true;
}

/**
 * Returns a function that requests a token by the client credentials grant (RFC 6749, section 4.4). kafkajs calls it for each
 * connection, and again when the session of a connection ends.
 */
function kafkaTokens(client: KafkaTokenClient): () => Promise<{ value: string }> {
  const { tokenUrl, id, secret, scope } = client;
  const issuer: oauth.AuthorizationServer = { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl };
  const of: oauth.Client = { client_id: id };
  return async () => {
    try {
      const response = await oauth.clientCredentialsGrantRequest(
        issuer,
        of,
        oauth.ClientSecretBasic(secret),
        scope === undefined ? {} : { scope },
        { signal: AbortSignal.timeout(TIMEOUT_MS), [oauth.allowInsecureRequests]: tokenUrl.startsWith('http:') },
      );
      return { value: (await oauth.processClientCredentialsResponse(issuer, of, response)).access_token };
    } catch (cause) {
      throw isRejection(cause)
        ? new KafkaTokenRejectedError(`${issuer.issuer} grants no token for Kafka: ${cause.message}`, { cause })
        : new KafkaTokenUnavailableError(`no token for Kafka from ${issuer.issuer}: ${String(cause)}`, { cause });
    }
  };
}

function isRejection(error: unknown): error is Error {
  return error instanceof oauth.ResponseBodyError || error instanceof oauth.WWWAuthenticateChallengeError;
}

type RegistrySettings = z.infer<z.ZodObject<typeof registrySettings>>;

/**
 * Returns how to reach the registry. Credentials in the address become a header.
 * @throws SettingsError if there are two credentials, or authorities for an address without TLS
 */
export function registryAccess(settings: RegistrySettings): RegistryAccess {
  const { SCHEMA_REGISTRY_USERNAME: username, SCHEMA_REGISTRY_PASSWORD: password = '' } = settings;
  const { SCHEMA_REGISTRY_TOKEN: token, SCHEMA_REGISTRY_CA_FILE: ca } = settings;
  const address = new URL(settings.SCHEMA_REGISTRY_URL);
  const inAddress = [address.username, address.password].map(decodeURIComponent);
  const hasUser = address.username !== '';
  address.username = address.password = '';
  if (hasUser && (username ?? token) !== undefined)
    throw contradiction(
      username === undefined ? 'SCHEMA_REGISTRY_TOKEN' : 'SCHEMA_REGISTRY_USERNAME',
      'is set, and SCHEMA_REGISTRY_URL contains a user too: remove one of them',
    );
  if (ca !== undefined && address.protocol !== 'https:')
    throw contradiction('SCHEMA_REGISTRY_CA_FILE', 'needs an https:// address in SCHEMA_REGISTRY_URL: set one');
  const [name, secret] = hasUser ? inAddress : [username, password];
  const basic = name === undefined ? undefined : `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`;
  const authorization = token === undefined ? basic : `Bearer ${token}`;
  return {
    url: address.href.replace(/\/+$/, ''),
    ...(authorization !== undefined && { authorization }),
    ...(ca !== undefined && { ca }),
  };
}

function contradiction(name: string, what: string): SettingsError {
  return new SettingsError(`${name} ${what} (${documentedAt(name)})`);
}
