import { documentedAt } from '../settings/settings.js';

/** A server that the services connect to, with the settings of its address, authorities and user. */
interface ServerSettings {
  readonly server: string;
  readonly address: string;
  readonly authorities: string;
  readonly user: string;
}

const KAFKA: ServerSettings = {
  server: 'Kafka',
  address: 'KAFKA_BROKERS',
  authorities: 'KAFKA_SSL_CA_FILE',
  user: 'KAFKA_SASL_USERNAME',
};
const REGISTRY: ServerSettings = {
  server: 'The schema registry',
  address: 'SCHEMA_REGISTRY_URL',
  authorities: 'SCHEMA_REGISTRY_CA_FILE',
  user: 'SCHEMA_REGISTRY_USERNAME',
};
const MONGODB: ServerSettings = {
  server: 'MongoDB',
  address: 'MONGODB_URI',
  authorities: 'MONGODB_URI (tlsCAFile)',
  user: 'MONGODB_URI',
};

/** OpenSSL's codes for a certificate of an authority that is not accepted. */
const FOREIGN_AUTHORITY =
  /SELF_SIGNED_CERT|CERT_SIGNATURE_FAILURE|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER|self[- ]signed certificate|unable to (?:verify|get)/;

/** What a failure means: the pattern of its text, and the line for the server it came from. */
const MEANINGS: readonly (readonly [pattern: RegExp, line: (of: ServerSettings, found: string) => string])[] = [
  [
    FOREIGN_AUTHORITY,
    ({ server, authorities }) =>
      `${server} has a certificate of an unknown authority: set ${authorities} to the file with its authority's certificate`,
  ],
  [
    /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate's altnames/,
    ({ server, address }) =>
      `${server} has a certificate for another host name: set ${address} to a name that the certificate has`,
  ],
  [
    /CERT_HAS_EXPIRED|certificate has expired/,
    ({ server, address }) => `${server} at ${address} has an expired certificate: renew it`,
  ],
  [
    /certificate required|bad certificate|CERTIFICATE_REQUIRED/i,
    ({ server }) =>
      `${server} requires a client certificate that it accepts: set KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE`,
  ],
  [
    /wrong version number|WRONG_VERSION_NUMBER|before secure TLS connection|packet length too long/,
    ({ server, address }) => `${server} does not use TLS at the port in ${address}: set its TLS port`,
  ],
  [
    /UNSUPPORTED_SASL_MECHANISM|mechanism is not supported by the server/,
    ({ server }) => `${server} does not support KAFKA_SASL_MECHANISM: set one that the listener has enabled`,
  ],
  [
    /KafkaTokenRejectedError/,
    () => 'The issuer at KAFKA_SASL_TOKEN_URL rejects the client: correct KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD',
  ],
  [
    /KafkaJSSASLAuthenticationError|SASL.*authentication failed|MongoServerError.*Authentication failed/i,
    ({ server, user }) =>
      `${server} rejects the user in ${user}: correct its name${user === KAFKA.user ? ', KAFKA_SASL_PASSWORD or KAFKA_SASL_MECHANISM' : ' or password'}`,
  ],
  [
    /(?:TOPIC|GROUP|CLUSTER|TRANSACTIONAL_ID)_AUTHORIZATION_FAILED/,
    ({ server, user }, found) =>
      `${server} denies a request of the user in ${user} (${found}): grant it the ACLs of docs/run.md#users-and-rights`,
  ],
  [
    /MongoServerError.*\bnot authorized on /,
    ({ server, user }) =>
      `${server} denies a command of the user in ${user}: grant it the role of docs/run.md#users-and-rights`,
  ],
  [
    /RegistryRejectionError.*HTTP 40[13]/,
    ({ server, user }) =>
      `${server} rejects the credentials: correct ${user} and SCHEMA_REGISTRY_PASSWORD, or SCHEMA_REGISTRY_TOKEN`,
  ],
];

/**
 * Explains a failed connection that another attempt does not repair: wrong credentials, certificates, names and missing rights.
 * @returns one line with the setting and the fix, without any of the failure's own text; `undefined` for all other failures
 */
export function explainConnection(error: unknown): string | undefined {
  const texts = [...causesOf(error)];
  const all = texts.join('\n');
  const of = serverOf(all);
  if (of === undefined) return undefined;
  for (const [pattern, line] of MEANINGS) {
    const [found] = pattern.exec(all) ?? [];
    if (found !== undefined) return `${line(of, found)} (${documentedAt(of.address)})`;
  }
  return undefined;
}

function serverOf(text: string): ServerSettings | undefined {
  if (/KafkaJS|KafkaError|KafkaToken|(?:TOPIC|GROUP|CLUSTER)_AUTHORIZATION_FAILED/.test(text)) return KAFKA;
  if (/Mongo/.test(text)) return MONGODB;
  return /Registry/.test(text) ? REGISTRY : undefined;
}

/** Yields the name, code and message of an error, and of those that it wraps. */
function* causesOf(error: unknown, depth = 0): Generator<string> {
  if (typeof error !== 'object' || error === null || depth > 10) return;
  const { name, code, type, message, cause, errors } = error as Record<string, unknown>;
  yield [name, code, type, message].filter((part) => typeof part === 'string').join(' ');
  yield* causesOf(cause, depth + 1);
  for (const each of Array.isArray(errors) ? errors : []) yield* causesOf(each, depth + 1);
}

/** Failures that an administrator of the server repairs while this process runs: missing rights, and an expired certificate. */
const REPAIRED_ELSEWHERE = /AUTHORIZATION_FAILED|not authorized on |CERT_HAS_EXPIRED|certificate has expired/;

/** Returns whether an explained failure can end without other settings of this process. */
export function isRepairedElsewhere(error: unknown): boolean {
  return REPAIRED_ELSEWHERE.test([...causesOf(error)].join('\n'));
}
