import * as oauth from 'oauth4webapi';
import { timeLimit } from '#orders/time-limit.js';

/** A client of a token issuer, with which a service signs in at Kafka. */
export interface KafkaTokenClient {
  readonly tokenUrl: string;
  readonly id: string;
  readonly secret: string;
  readonly scope: string | undefined;
}

const TIMEOUT_MS = timeLimit(5_000);

/** The issuer rejects the client: another attempt would fail too. */
export class KafkaTokenRejectedError extends Error {
  override readonly name = 'KafkaTokenRejectedError';
  /** kafkajs reads it. */
  readonly retriable = false;
}

/** The issuer is unavailable. */
export class KafkaTokenUnavailableError extends Error {
  /** Only for this name, kafkajs closes the connection: the broker rejects a second attempt to sign in on the same one. */
  override readonly name = 'KafkaJSConnectionError';
  /** Without it, kafkajs would give up at once. */
  readonly retriable = true;
}

/**
 * Returns a function that requests a token by the client credentials grant (RFC 6749, section 4.4). kafkajs calls it for each
 * connection, and again when the session of a connection ends.
 */
export function kafkaTokens(client: KafkaTokenClient): () => Promise<{ value: string }> {
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
