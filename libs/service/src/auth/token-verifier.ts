import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { SignatureAlgorithm } from './auth-settings.js';

/** Who a token was made for, and what it allows. */
export interface Caller {
  /** The person, or the client where there is none. */
  readonly subject: string;
  readonly clientId: string | null;
  readonly scopes: ReadonlySet<string>;
}

/** Why a token isn't taken, in words that its holder may read. */
export class TokenRefusal extends Error {
  override readonly name = 'TokenRefusal';
  readonly code = 'invalid-token';
}

/** The provider's keys can't be had now, so nobody can tell whether a token is good. */
export class IssuerAwayError extends Error {
  override readonly name = 'IssuerAwayError';
  readonly code = 'issuer-away';
}

export interface VerifierOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly SignatureAlgorithm[];
  /** The `typ` that a token must have. */
  readonly tokenType: string;
  readonly scopeClaim: string;
  /** @throws IssuerAwayError */
  readonly keys: JWTVerifyGetKey;
}

/** Clocks differ: a token is taken so long before it begins and after it ends. */
const LEEWAY_SECONDS = 30;

/** Tells whether an access token (RFC 9068) is genuine and meant for this service. */
export class TokenVerifier {
  constructor(private readonly options: VerifierOptions) {}

  /**
   * @throws TokenRefusal for every token that isn't good
   * @throws IssuerAwayError when that can't be told
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
    return {
      subject: String(payload.sub),
      clientId: typeof clientId === 'string' ? clientId : null,
      scopes: scopesOf(payload[this.options.scopeClaim]),
    };
  }
}

function scopesOf(claim: unknown): ReadonlySet<string> {
  if (typeof claim === 'string') return new Set(claim.split(' ').filter((scope) => scope !== ''));
  return new Set(Array.isArray(claim) ? claim.filter((scope) => typeof scope === 'string') : []);
}

/** In our own words: what a library says of a token can hold parts of it. */
function refusalOf(error: unknown): unknown {
  if (error instanceof IssuerAwayError) return error;
  if (error instanceof errors.JWTExpired) return new TokenRefusal('The token has expired.');
  if (error instanceof errors.JWTClaimValidationFailed)
    return new TokenRefusal(`The token's ${error.claim} is not right.`);
  if (error instanceof errors.JWKSNoMatchingKey)
    return new TokenRefusal('The token is signed with a key that is not known.');
  if (error instanceof errors.JOSEAlgNotAllowed)
    return new TokenRefusal('The token is signed in a way that is not allowed.');
  if (error instanceof errors.JWKSTimeout)
    return new IssuerAwayError('The keys of the tokens could not be had in time.');
  if (error instanceof errors.JOSEError) return new TokenRefusal('The token is not genuine.');
  return error;
}
