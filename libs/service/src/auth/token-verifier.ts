import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { systemClock } from '@orders-pipeline/clock';
import type { SignatureAlgorithm } from './auth-settings.js';

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

export interface VerifierOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly SignatureAlgorithm[];
  /** The required `typ` of a token. */
  readonly tokenType: string;
  readonly scopeClaim: string;
  /** @throws IssuerUnavailableError */
  readonly keys: JWTVerifyGetKey;
}

/** Tolerates clock differences: a token is accepted this long before it becomes valid and after it expires. */
const LEEWAY_SECONDS = 30;

/** Verifies that an access token (RFC 9068) is genuine and issued for this service. */
export class TokenVerifier {
  constructor(private readonly options: VerifierOptions) {}

  /**
   * @throws TokenRefusal for an invalid token
   * @throws IssuerUnavailableError when the token can't be checked now
   */
  async verify(token: string): Promise<Caller> {
    const { issuer, audience, algorithms, tokenType, keys } = this.options;
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: [...algorithms],
        typ: tokenType,
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
      scopes: scopesOf(payload[this.options.scopeClaim]),
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
