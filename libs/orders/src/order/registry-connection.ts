import { Agent as HttpsAgent } from 'node:https';
import { SchemaRegistry, COMPATIBILITY, SchemaType } from '@kafkajs/confluent-schema-registry';
import { Agent, fetch, Headers, type RequestInit, type Response } from 'undici';
import { timeLimit } from '../time-limit.js';
import { ORDERS_SUBJECT } from '../topics/topics.js';
import { AVRO_LOGICAL_TYPES, ORDER_SCHEMA } from './order-schema.js';

/** How to reach the schema registry. */
export interface RegistryAccess {
  /** The base address, without credentials: `fetch` rejects an address with them, and shows it in its error. */
  readonly url: string;
  /** The value of the header `Authorization`. */
  readonly authorization?: string;
  /** The accepted authorities, certificates in PEM format. Default: those of Node.js. */
  readonly ca?: string;
  /** After how many ms a request without a response is sent once more. Default: 2,500. */
  readonly timeoutMs?: number;
}

/** Thrown when the registry rejects a request for another reason than the schema, such as missing credentials. */
export class RegistryRejectionError extends Error {
  override readonly name = 'RegistryRejectionError';
  constructor(
    readonly status: number,
    request: string,
  ) {
    super(`The schema registry rejected ${request}: HTTP ${status}`);
  }
}

/** Thrown when the registry can't be reached. */
export class RegistryUnavailableError extends Error {
  override readonly name = 'RegistryUnavailableError';
}

/**
 * Without a time-out, a registry that accepts connections and never responds would block its records for ever. A request
 * without a response is sent once more: a single lost response does not mean that the registry is unavailable. All requests
 * here can be repeated, also the registration.
 */
const TIMEOUT_MS = timeLimit(2_500);

type Middleware = NonNullable<ConstructorParameters<typeof SchemaRegistry>[0]['middlewares']>[number];

/** Sends all requests to the schema registry with the same credentials and authorities: those of its client, and others. */
export class RegistryConnection {
  readonly client: SchemaRegistry;
  private readonly dispatcher: { readonly dispatcher?: Agent };

  constructor(private readonly access: RegistryAccess) {
    const { url, ca } = access;
    this.client = new SchemaRegistry(
      {
        host: url,
        clientId: 'orders',
        retry: { retries: 0 },
        middlewares: [clientRequests(access)],
        ...(ca !== undefined && { agent: new HttpsAgent({ ca }) }),
      },
      { AVRO: { logicalTypes: AVRO_LOGICAL_TYPES } },
    );
    this.dispatcher = ca === undefined ? {} : { dispatcher: new Agent({ connect: { ca } }) };
  }

  /**
   * Sends a request that the client can't send, or whose whole response is needed.
   * @throws RegistryRejectionError if the credentials are not accepted, RegistryUnavailableError if there is no response
   */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.send(path, init);
    if (response.status === 401 || response.status === 403)
      throw new RegistryRejectionError(response.status, `a request to ${path}`);
    return response;
  }

  private async send(path: string, init: RequestInit): Promise<Response> {
    const { url, authorization, timeoutMs = TIMEOUT_MS } = this.access;
    const headers = new Headers(init.headers);
    if (authorization !== undefined) headers.set('authorization', authorization);
    // With TLS, undici accepts Brotli too, and Apicurio 3.3 then sends a body that it can't decode. The bodies are small.
    headers.set('accept-encoding', 'identity');
    const attempt = async (): Promise<Response> =>
      fetch(`${url}${path}`, { ...init, headers, signal: AbortSignal.timeout(timeoutMs), ...this.dispatcher });
    try {
      return await attempt().catch(attempt);
    } catch (cause) {
      throw new RegistryUnavailableError(`The schema registry at ${url} can't be reached: ${String(cause)}`, { cause });
    }
  }
}

/** Enables the time-out of the client's HTTP library, which is off by default, asks again once, and adds the credentials. */
function clientRequests({ authorization, timeoutMs = TIMEOUT_MS }: RegistryAccess): Middleware {
  const headers = authorization === undefined ? {} : { authorization };
  return () => ({
    prepareRequest: async (next) => (await next()).enhance({ timeout: timeoutMs, headers }),
    // The client reports a request without a response as status 400. Its own retries do not include time-outs.
    response: async (next) => {
      try {
        return await next();
      } catch (error) {
        if (!hasStatus(error, 400)) throw error;
        return next();
      }
    },
  });
}

/** Returns whether the registry's client failed with this HTTP status. */
export function hasStatus(error: unknown, status: number): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === status;
}

/** Thrown when the registry rejects this version's schema for the subject. The service must not produce or consume with it. */
class IncompatibleSchemaError extends Error {
  override readonly name = 'IncompatibleSchemaError';
  readonly code = 'incompatible-schema';
}

/** Compatibility levels under which a current consumer can read every record on the topic. */
const ACCEPTED_LEVELS = [
  COMPATIBILITY.BACKWARD,
  COMPATIBILITY.BACKWARD_TRANSITIVE,
  COMPATIBILITY.FULL,
  COMPATIBILITY.FULL_TRANSITIVE,
];

/**
 * Registers `ORDER_SCHEMA` under its subject; idempotent. It sets BACKWARD compatibility first: the client sets it only after
 * the first registration, so the second of two services that start at once would find it unset and fail.
 * @returns the schema's id
 * @throws IncompatibleSchemaError when the registry rejects the schema; any other error means that the registry is unavailable
 */
export async function registerOrderSchema(registry: RegistryConnection): Promise<number> {
  const compatibility = await requireCompatibility(registry);
  try {
    const schema = { type: SchemaType.AVRO, schema: JSON.stringify(ORDER_SCHEMA) } as const;
    return (await registry.client.register(schema, { subject: ORDERS_SUBJECT, compatibility })).id;
  } catch (cause) {
    if (!hasStatus(cause, 409) && !hasStatus(cause, 422)) throw cause;
    throw new IncompatibleSchemaError(
      `The schema registry rejects this version's schema for "${ORDERS_SUBJECT}": ${String(cause)}. ` +
        'Records on the topic need the registered schema: run the version that registered it, or change the schema so ' +
        'that it stays BACKWARD compatible (new fields with defaults).',
      { cause },
    );
  }
}

/** @returns the subject's level; a missing or weaker level is first set to BACKWARD */
async function requireCompatibility(registry: RegistryConnection): Promise<COMPATIBILITY> {
  const level = await currentLevel(registry);
  if (level !== undefined) return level;
  const changed = await registry.request(CONFIG_PATH, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ compatibility: COMPATIBILITY.BACKWARD }),
  });
  if (changed.ok) return COMPATIBILITY.BACKWARD;
  // If two services set the level at once, the registry may reject one request; only the resulting level counts.
  const afterwards = await currentLevel(registry);
  if (afterwards !== undefined) return afterwards;
  throw new RegistryRejectionError(changed.status, `the compatibility of "${ORDERS_SUBJECT}"`);
}

/** @returns the subject's level if it is an accepted one */
async function currentLevel(registry: RegistryConnection): Promise<COMPATIBILITY | undefined> {
  const response = await registry.request(CONFIG_PATH);
  const { compatibilityLevel } = (await response.json()) as { compatibilityLevel?: string };
  return ACCEPTED_LEVELS.find((level) => level === compatibilityLevel?.toUpperCase());
}

const CONFIG_PATH = `/config/${encodeURIComponent(ORDERS_SUBJECT)}`;
