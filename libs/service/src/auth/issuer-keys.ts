import { createLocalJWKSet, errors, type FetchImplementation, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import { z } from 'zod';
import { backOffMs, type Clock } from '@orders-pipeline/clock';
import { isConfidential } from './confidential-address.js';
import { IssuerUnavailableError } from './token-verifier.js';
import { timeLimit } from '#orders/time-limit.js';

export interface IssuerKeysOptions {
  readonly issuer: string;
  /** Base URL for discovery and keys, if the issuer's own address is not reachable from here. */
  readonly discoveryUrl?: string | undefined;
  /** Whether keys may be fetched by plain http from another machine. */
  readonly allowsHttp: boolean;
  /** How long fetched keys stay valid while the issuer is unavailable, in ms. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Replaceable in tests. */
  readonly fetch?: FetchImplementation;
}

interface FetchedKeys {
  readonly find: JWTVerifyGetKey;
  readonly at: number;
}

const TIMEOUT_MS = timeLimit(5_000);
/** A revoked key is accepted no longer than this, as long as the issuer is available. */
const REFRESH_MS = 600_000;
/** An unknown key causes a new fetch, at most once per this time: a client could otherwise flood the issuer by inventing keys. */
const COOL_DOWN_MS = 30_000;
const RETRY = { initialMs: 500, maxMs: 10_000 };

const DocumentSchema = z.object({ issuer: z.string(), jwks_uri: z.url() });
/** No keys at all can only be a mistake of the provider. */
const KeysSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) });

/**
 * The keys of an OpenID provider, found by discovery and refreshed in the background, so that no request with a known key waits for the
 * provider. While it is unavailable the known keys stay valid for `maxAgeMs`, and tokens with another key can't be checked. One log line
 * says that it became unavailable, and one that it is available again.
 */
export class IssuerKeys {
  private fetched: FetchedKeys | undefined;
  private failures = 0;
  private fetchAgainAt = 0;
  private fetching: Promise<void> | undefined;
  private cancel: (() => void) | undefined;

  constructor(private readonly options: IssuerKeysOptions) {}

  /** Whether the last fetch failed. */
  get isAway(): boolean {
    return this.failures > 0;
  }

  /** The time since the last successful fetch, in ms; `undefined` before it. */
  get ageMs(): number | undefined {
    return this.fetched && this.options.clock.now() - this.fetched.at;
  }

  /** Begins to fetch keys in the background, for the life of the process. */
  start(): void {
    void this.refresh();
  }

  /** @throws IssuerUnavailableError without valid keys */
  async requireKeys(): Promise<void> {
    await Promise.resolve(this.valid());
  }

  /** Finds the key of a token. @throws IssuerUnavailableError when the issuer must be asked for it, and is unavailable */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (!this.isValid()) await this.refreshUnlessTried();
    try {
      return await this.valid().find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return this.findUnknown(error, header, token);
    }
  };

  /** Keys rotate, so an unknown one may be new. */
  private async findUnknown(
    unknown: Error,
    ...key: Parameters<JWTVerifyGetKey>
  ): Promise<Awaited<ReturnType<JWTVerifyGetKey>>> {
    await this.refreshUnlessTried();
    if (this.isAway) throw this.unavailable('The key of the token is unknown', unknown);
    return this.valid().find(...key);
  }

  private isValid(): boolean {
    return this.ageMs !== undefined && this.ageMs < this.options.maxAgeMs;
  }

  private valid(): FetchedKeys {
    if (this.fetched === undefined) throw this.unavailable('Its keys were not fetched yet');
    if (!this.isValid()) throw this.unavailable('Its keys are too old (setting AUTH_KEYS_MAX_AGE_SECONDS)');
    return this.fetched;
  }

  private unavailable(why: string, cause?: unknown): IssuerUnavailableError {
    return new IssuerUnavailableError(`${why}, and ${this.options.issuer} is unavailable.`, { cause });
  }

  private async refreshUnlessTried(): Promise<void> {
    if (this.fetching !== undefined || this.options.clock.now() >= this.fetchAgainAt) await this.refresh();
  }

  /** Fetches the keys, and schedules the next time. Callers share one fetch. It does not throw. */
  private async refresh(): Promise<void> {
    this.fetching ??= this.fetchOnce().finally(() => {
      this.fetching = undefined;
    });
    await this.fetching;
  }

  private async fetchOnce(): Promise<void> {
    const { clock, issuer, log } = this.options;
    this.cancel?.();
    try {
      this.fetched = { find: createLocalJWKSet(await fetchKeys(this.options)), at: clock.now() };
      if (this.isAway) log.info({ issuer }, 'the token issuer is available again');
      this.failures = 0;
    } catch (error) {
      const { message, cause } = error as Error;
      if (!this.isAway) log.warn({ issuer, reason: message, cause: String(cause) }, 'the token issuer is unavailable');
      this.failures += 1;
    }
    const wait = this.isAway ? backOffMs(RETRY, this.failures, Math.random) : REFRESH_MS;
    this.fetchAgainAt = clock.now() + Math.min(wait, COOL_DOWN_MS);
    this.cancel = clock.after(wait, () => void this.refresh());
  }
}

async function fetchKeys({ issuer, discoveryUrl, allowsHttp, fetch = globalThis.fetch }: IssuerKeysOptions) {
  const base = (discoveryUrl ?? issuer).replace(/\/+$/, '');
  const found = await read(`${base}/.well-known/openid-configuration`, DocumentSchema, fetch);
  if (found.issuer !== issuer)
    throw new IssuerUnavailableError(`The issuer at ${base} is ${found.issuer}, not ${issuer} (setting AUTH_ISSUER).`);
  const keys = reachable(new URL(found.jwks_uri), new URL(issuer), new URL(base)).href;
  if (!allowsHttp && !isConfidential(keys))
    throw new IssuerUnavailableError(`The keys are at ${keys}, which is not https (setting AUTH_ALLOW_HTTP_ISSUER).`);
  return read(keys, KeysSchema, fetch);
}

async function read<T>(url: string, schema: z.ZodType<T>, fetch: FetchImplementation): Promise<T> {
  try {
    const init = { headers: new Headers(), method: 'GET' as const, redirect: 'manual' as const };
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    return schema.parse(await response.json());
  } catch (error) {
    throw new IssuerUnavailableError(`${url} can't be fetched.`, { cause: error });
  }
}

/** Returns the keys' address on `base`: the one that the provider advertises may not be reachable from a container. */
function reachable(keys: URL, issuer: URL, base: URL): URL {
  if (keys.origin !== issuer.origin) return keys;
  return new URL(keys.pathname + keys.search, base.origin);
}
