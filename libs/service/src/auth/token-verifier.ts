import {
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  createLocalJWKSet,
  type FetchImplementation,
} from 'jose';
import type { Logger } from 'pino';
import { z } from 'zod';
import { Gauge, type Registry } from 'prom-client';
import { systemClock, backOffMs, type Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { isConfidential } from '../http/known-hosts.js';
import type { AuthSettings } from './auth-settings.js';
import { inTrace } from '../telemetry/tracing.js';

/** The holder of a token and its scopes. */
export interface Caller {
  /** The user, or the client if there is no user. */
  readonly subject: string;
  readonly clientId: string | null;
  readonly scopes: ReadonlySet<string>;
  /**
   * From then on the token is rejected, in milliseconds by `systemClock`, which a correction of the host's clock does not change. A
   * response that does not end by itself ends then.
   */
  readonly validUntil: number;
}

/** Thrown when a token is rejected; the message may be shown to its holder. */
export class TokenRefusal extends Error {
  override readonly name = 'TokenRefusal';
  readonly code = 'invalid-token';
}

/** Thrown when the provider's keys are unavailable, so that a token can not be checked. */
export class IssuerUnavailableError extends Error {
  override readonly name = 'IssuerUnavailableError';
  readonly code = 'issuer-away';
}

/** The settings of the issuer's keys. */
type KeySetting = 'AUTH_DISCOVERY_URL' | 'AUTH_ALLOW_HTTP_ISSUER' | 'AUTH_KEYS_MAX_AGE_SECONDS';

/** Tolerates clock differences: a token is accepted this long before it becomes valid and after it expires. */
const LEEWAY_SECONDS = 30;

/** Verifies that an access token (RFC 9068) is genuine and issued for this service. */
export class TokenVerifier {
  constructor(
    private readonly settings: Omit<AuthSettings, KeySetting> & { readonly AUTH_ISSUER: string },
    private readonly keys: JWTVerifyGetKey,
  ) {}

  /**
   * @throws TokenRefusal for an invalid token
   * @throws IssuerUnavailableError when the token can't be checked now
   */
  async verify(token: string): Promise<Caller> {
    const { AUTH_ISSUER, AUTH_AUDIENCE, AUTH_ALGORITHMS, AUTH_TOKEN_TYPE } = this.settings;
    try {
      const { payload } = await jwtVerify(token, this.keys, {
        issuer: AUTH_ISSUER,
        audience: AUTH_AUDIENCE,
        algorithms: AUTH_ALGORITHMS,
        typ: AUTH_TOKEN_TYPE,
        clockTolerance: LEEWAY_SECONDS,
        requiredClaims: ['exp', 'sub'],
      });
      return this.callerOf(payload);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  private callerOf(payload: JWTPayload): Caller {
    const clientId = payload['client_id'] ?? payload['azp'];
    const leftMs = 1_000 * (Number(payload.exp) + LEEWAY_SECONDS) - Date.now();
    return {
      subject: String(payload.sub),
      clientId: typeof clientId === 'string' ? clientId : null,
      scopes: scopesOf(payload[this.settings.AUTH_SCOPE_CLAIM]),
      validUntil: systemClock.now() + leftMs,
    };
  }
}

function scopesOf(claim: unknown): ReadonlySet<string> {
  if (typeof claim === 'string') return new Set(claim.split(' ').filter((scope) => scope !== ''));
  return new Set(Array.isArray(claim) ? claim.filter((scope) => typeof scope === 'string') : []);
}

/** Replaces the library's error messages, since they can contain parts of the token. */
function refusalOf(error: unknown): unknown {
  if (error instanceof IssuerUnavailableError) return error;
  if (error instanceof errors.JWTExpired) return new TokenRefusal('The token has expired.');
  if (error instanceof errors.JWTClaimValidationFailed)
    return new TokenRefusal(`The token's claim ${error.claim} is invalid.`);
  if (error instanceof errors.JWKSNoMatchingKey) return new TokenRefusal('The token is signed with an unknown key.');
  if (error instanceof errors.JOSEAlgNotAllowed)
    return new TokenRefusal('The token is signed with an algorithm that is not allowed.');
  if (error instanceof errors.JWKSTimeout)
    return new IssuerUnavailableError('The keys of the token issuer were not fetched in time.');
  if (error instanceof errors.JOSEError) return new TokenRefusal('The token is invalid.');
  return error;
}

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
    // Not in the trace of a request with an unknown key: the refreshes go on for ever.
    this.cancel = inTrace(undefined, () => clock.after(wait, () => void this.refresh()));
  }
}

async function fetchKeys({ issuer, discoveryUrl, allowsHttp, fetch = globalThis.fetch }: IssuerKeysOptions) {
  const base = (discoveryUrl ?? issuer).replace(/\/+$/, '');
  const found = await fetchJson(`${base}/.well-known/openid-configuration`, DocumentSchema, fetch);
  if (found.issuer !== issuer)
    throw new IssuerUnavailableError(`The issuer at ${base} is ${found.issuer}, not ${issuer} (setting AUTH_ISSUER).`);
  const keys = reachableKeys(new URL(found.jwks_uri), new URL(issuer), new URL(base)).href;
  if (!allowsHttp && !isConfidential(keys))
    throw new IssuerUnavailableError(`The keys are at ${keys}, which is not https (setting AUTH_ALLOW_HTTP_ISSUER).`);
  return fetchJson(keys, KeysSchema, fetch);
}

async function fetchJson<T>(url: string, schema: z.ZodType<T>, fetch: FetchImplementation): Promise<T> {
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
function reachableKeys(keys: URL, issuer: URL, base: URL): URL {
  if (keys.origin !== issuer.origin) return keys;
  return new URL(keys.pathname + keys.search, base.origin);
}

/** How a service verifies tokens. */
interface TokenCheck {
  readonly keys: IssuerKeys;
  readonly verifier: TokenVerifier;
}

/** Creates the verifier for these settings; `undefined` without an issuer. The keys are fetched once they are started. */
export function tokenCheck(
  settings: AuthSettings,
  parts: { readonly clock: Clock; readonly log: Pick<Logger, 'info' | 'warn'>; readonly registry: Registry },
): TokenCheck | undefined {
  const { AUTH_ISSUER: issuer } = settings;
  if (issuer === undefined) return undefined;
  const keys = new IssuerKeys({
    issuer,
    discoveryUrl: settings.AUTH_DISCOVERY_URL,
    allowsHttp: settings.AUTH_ALLOW_HTTP_ISSUER,
    maxAgeMs: 1_000 * settings.AUTH_KEYS_MAX_AGE_SECONDS,
    ...parts,
  });
  exposeIssuer(keys, parts.registry);
  return { keys, verifier: new TokenVerifier({ ...settings, AUTH_ISSUER: issuer }, keys.find) };
}

function exposeIssuer(keys: IssuerKeys, registry: Registry): void {
  const up: Gauge = new Gauge({
    name: 'auth_issuer_up',
    help: '1 if the keys of the token issuer could be fetched the last time, else 0: known keys then stay valid for AUTH_KEYS_MAX_AGE_SECONDS',
    registers: [registry],
    collect: () => up.set(Number(!keys.isAway && keys.ageMs !== undefined)),
  });
  const age: Gauge = new Gauge({
    name: 'auth_keys_age_seconds',
    help: 'Time since the keys of the token issuer were fetched; absent before the first time',
    registers: [registry],
    collect: () => {
      age.reset();
      if (keys.ageMs !== undefined) age.set(keys.ageMs / 1_000);
      else age.remove();
    },
  });
}
