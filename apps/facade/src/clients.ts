import type { IncomingHttpHeaders } from 'node:http';
import { hash } from 'node:crypto';
import { z } from 'zod';
import { HttpStatus } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '@orders-pipeline/clock';
import { Problem } from '#service/http/problem.js';
import { parseJsonFile } from './watched-file.js';

/**
 * Returns the API key of a request: the header `X-Api-Key`, or the password of HTTP basic authentication (RFC 7617). The second needs no
 * change of a client but its address: `http://billing:KEY@facade:3005`.
 */
export function givenKey({ 'x-api-key': key, authorization }: IncomingHttpHeaders): GivenKey | undefined {
  if (typeof key === 'string') return { key };
  const [, encoded] = /^basic +([\w+/]+=*)$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : { name: text.slice(0, colon), key: text.slice(colon + 1) };
}

const FileSchema = z.strictObject({
  clients: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, points or dashes'),
        keys: z
          .array(z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a key, as 64 hexadecimal digits'))
          .min(1)
          .max(10),
      }),
    )
    .max(10_000),
});

/** Shorter keys could be found by trying. 32 characters of 64 kinds are 192 bits. */
const MIN_KEY_CHARACTERS = 32;
const MAX_KEY_CHARACTERS = 256;

/** The SHA-256 of the key that docs/migrate.md prints. It is in deploy/legacy-clients.json. */
const DEMO_KEY = '6d36e5831539d22be745b2b2e0fddd236c4fbf5258641cd2f47b22a5be50417a';

/** A key as a client sent it. */
interface GivenKey {
  readonly key: string;
  /** The user name of HTTP basic authentication; it must be the client's name. */
  readonly name?: string;
}

/**
 * The API keys of the legacy system's clients, by their SHA-256. A slow hash would protect short passwords; a key is random and long, so
 * that there is nothing to try, and it is checked with every request. A client has several keys while one replaces another.
 */
export class ClientKeys {
  private constructor(private readonly clients: ReadonlyMap<string, string>) {}

  /**
   * @param isProduction whether the demo key, which is public, is refused
   * @throws Error that names the wrong entry, and what is allowed
   */
  static parse(text: string, isProduction = false): ClientKeys {
    const file = parseJsonFile(text, FileSchema, '{"clients": [{"name": "billing", "keys": ["<SHA-256>"]}]}');
    const clients = new Map<string, string>();
    for (const { name, keys } of file.clients) {
      for (const key of keys) {
        const other = clients.get(key);
        if (other !== undefined) throw new Error(`the clients ${other} and ${name} have the same key`);
        if (isProduction && key === DEMO_KEY)
          throw new Error(
            `the client ${name} has the demo key, which is public: replace ${key} by the SHA-256 of a key of your own, such as the output of \`openssl rand -hex 32\``,
          );
        clients.set(key, name);
      }
    }
    return new ClientKeys(clients);
  }

  /** How many keys there are. */
  get size(): number {
    return this.clients.size;
  }

  /** Returns the client's name; `undefined` for a wrong key. */
  clientOf({ key, name }: GivenKey): string | undefined {
    if (key.length < MIN_KEY_CHARACTERS || key.length > MAX_KEY_CHARACTERS) return undefined;
    const client = this.clients.get(hash('sha256', key));
    return name === undefined || name === client ? client : undefined;
  }
}

const RECENT_MS = 1_000;

/** Knows whether this instance serves clients now. */
export class ClientActivity {
  private lastAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Clock) {}

  noteRequest(): void {
    this.lastAt = this.clock.now();
  }

  /** Returns whether there was a request within the last second. */
  get isBusy(): boolean {
    return this.clock.now() - this.lastAt < RECENT_MS;
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The client of the legacy API; `null` without API keys. */
    client: string | null;
  }
}

const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="orders", charset="UTF-8"' };

/**
 * Admits requests with the API key of a client.
 * @param keys returns the keys that are valid now; `undefined`: every request is admitted
 * @param onRequest called with the client of each request: its name, `none`, or `unknown` for a rejected one
 */
export function authenticateClients(
  fastify: FastifyInstance,
  keys: () => ClientKeys | undefined,
  onRequest: (client: string) => void,
): void {
  fastify.decorateRequest('client', null);
  fastify.addHook('onRequest', (request, _reply, done) => {
    const known = keys();
    if (known === undefined) {
      onRequest('none');
      return done();
    }
    const given = givenKey(request.headers);
    const client = given === undefined ? undefined : known.clientOf(given);
    onRequest(client ?? 'unknown');
    if (client === undefined) return done(rejection(given !== undefined));
    request.client = client;
    done();
  });
}

function rejection(hasKey: boolean): Problem {
  const detail = hasKey
    ? 'the API key is unknown, or not that of the named user'
    : 'an API key is required: as X-Api-Key, or as the password of basic authentication';
  return new Problem(HttpStatus.UNAUTHORIZED, hasKey ? 'bad-api-key' : 'no-api-key', detail, {}, CHALLENGE);
}
