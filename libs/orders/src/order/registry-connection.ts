import { Agent, fetch, type Response } from 'undici';
import { timeLimit } from '../time-limit.js';
import { ORDERS_SUBJECT } from '../topics/topics.js';
import { ORDER_SCHEMA } from './order-schema.js';

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

/** Thrown when the registry rejects this version's schema for the subject. The service must not produce or consume with it. */
export class IncompatibleSchemaError extends Error {
  override readonly name = 'IncompatibleSchemaError';
  readonly code = 'incompatible-schema';
}

/** A schema in the registry. */
export interface RegisteredSchema {
  /** `AVRO`, `JSON` or `PROTOBUF`. */
  readonly kind: string;
  /** The schemas whose names it uses, and then the schema itself. */
  readonly texts: readonly string[];
}

/** A schema as the registry answers it. */
interface SchemaAnswer {
  readonly schema: string;
  /** Absent: Avro. */
  readonly schemaType?: string;
  readonly references?: readonly { readonly subject: string; readonly version: number }[];
}

/**
 * Without a time-out, a registry that accepts connections and never responds would block its records for ever. A request
 * without a response is sent once more: a single lost response does not mean that the registry is unavailable. All requests
 * here can be repeated, also the registration.
 */
const TIMEOUT_MS = timeLimit(2_500);

/** The registry's own code of a schema that it does not have. */
const SCHEMA_NOT_FOUND = 40_403;

/** Compatibility levels under which a current consumer can read every record on the topic. */
const ACCEPTED_LEVELS = new Set<unknown>(['BACKWARD', 'BACKWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE']);
const SUBJECT = encodeURIComponent(ORDERS_SUBJECT);

/**
 * Sends requests to the schema registry (Confluent's API).
 * Each throws RegistryRejectionError if the registry does not accept the request, and RegistryUnavailableError without a response.
 */
export class RegistryConnection {
  private readonly dispatcher: { readonly dispatcher?: Agent };

  constructor(private readonly access: RegistryAccess) {
    const { ca } = access;
    this.dispatcher = ca === undefined ? {} : { dispatcher: new Agent({ connect: { ca } }) };
  }

  /**
   * Registers `ORDER_SCHEMA` under its subject; idempotent. It sets BACKWARD compatibility first, so that no later version can register a
   * schema that breaks this one.
   * @returns the schema's id
   * @throws IncompatibleSchemaError when the registry rejects the schema
   */
  async register(): Promise<number> {
    await this.requireCompatibility();
    const response = await this.send(`/subjects/${SUBJECT}/versions`, 'POST', { schema: JSON.stringify(ORDER_SCHEMA) });
    if (response.status === 409 || response.status === 422)
      throw new IncompatibleSchemaError(
        `The schema registry rejects this version's schema for "${ORDERS_SUBJECT}": ${await response.text()}. ` +
          'Records on the topic need the registered schema: run the version that registered it, or change the schema so ' +
          'that it stays BACKWARD compatible (new fields with defaults).',
      );
    return ((await accepted(response, 'the schema').json()) as { id: number }).id;
  }

  /** Returns a schema by its id; `undefined` if the registry has none. */
  async find(id: number): Promise<RegisteredSchema | undefined> {
    const response = await this.send(`/schemas/ids/${id}`);
    // Only the registry's own code counts: a 404 from a proxy or a wrong path says nothing about the id.
    if (response.status === 404 && (await codeIn(response)) === SCHEMA_NOT_FOUND) return undefined;
    const answer = (await accepted(response, `a request for schema ${id}`).json()) as SchemaAnswer;
    return { kind: answer.schemaType ?? 'AVRO', texts: [...new Set(await this.textsOf(answer))] };
  }

  private async textsOf({ schema, references = [] }: SchemaAnswer): Promise<string[]> {
    const referenced = references.map(async ({ subject, version }) => {
      const response = await this.send(`/subjects/${encodeURIComponent(subject)}/versions/${version}`);
      return this.textsOf((await accepted(response, `a request for ${subject}`).json()) as SchemaAnswer);
    });
    return [...(await Promise.all(referenced)).flat(), schema];
  }

  /** Sets the subject's level to BACKWARD if it is missing or weaker. */
  private async requireCompatibility(): Promise<void> {
    if (await this.isCompatible()) return;
    const changed = await this.send(`/config/${SUBJECT}`, 'PUT', { compatibility: 'BACKWARD' });
    // If two services set the level at once, the registry may reject one request; only the resulting level counts.
    if (!changed.ok && !(await this.isCompatible()))
      throw new RegistryRejectionError(changed.status, `the compatibility of "${ORDERS_SUBJECT}"`);
  }

  private async isCompatible(): Promise<boolean> {
    const response = await this.send(`/config/${SUBJECT}`);
    const { compatibilityLevel } = (await response.json()) as { compatibilityLevel?: string };
    return ACCEPTED_LEVELS.has(compatibilityLevel?.toUpperCase());
  }

  private async send(path: string, method = 'GET', body?: object): Promise<Response> {
    const { url, authorization, timeoutMs = TIMEOUT_MS } = this.access;
    const headers = {
      // With TLS, undici accepts Brotli too, and Apicurio 3.3 then sends a body that it can't decode. The bodies are small.
      'accept-encoding': 'identity',
      ...(authorization !== undefined && { authorization }),
      ...(body && { 'content-type': 'application/vnd.schemaregistry.v1+json' }),
    };
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }), ...this.dispatcher };
    const attempt = async (): Promise<Response> =>
      fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    const response = await attempt()
      .catch(attempt)
      .catch((cause: unknown) => {
        throw new RegistryUnavailableError(`The schema registry at ${url} can't be reached: ${String(cause)}`, {
          cause,
        });
      });
    return response.status === 401 || response.status === 403 ? accepted(response, `a request to ${path}`) : response;
  }
}

/** Returns the response. @throws RegistryRejectionError unless its status is one of success */
function accepted(response: Response, request: string): Response {
  if (response.ok) return response;
  throw new RegistryRejectionError(response.status, request);
}

async function codeIn(response: Response): Promise<unknown> {
  const body: unknown = await response.json().catch(() => undefined);
  return typeof body === 'object' && body !== null && 'error_code' in body ? body.error_code : undefined;
}
