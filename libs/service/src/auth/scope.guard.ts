import { HttpStatus, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.js';
import type { Scope } from './scopes.js';
import { TokenRefusal, type Caller } from './token-verifier.js';

/** Chooses the required scope per request, if it depends on the request's target. A provider of the service's module. */
export interface ScopeChoice {
  scopeFor(request: FastifyRequest): Promise<Scope>;
}

/** Declares the scope that a route or a controller requires, or the provider that chooses it per request. */
export const RequiresScope = Reflector.createDecorator<Scope | Type<ScopeChoice>>();

/** Exempts a route from authentication, for health checks and metrics. */
export const NoToken = Reflector.createDecorator<true>();

/** Admits requests whose token has the scope that the route requires. A route without a declared scope rejects every request. */
export class ScopeGuard implements CanActivate {
  /**
   * @param realm sent to clients without a valid token, in `WWW-Authenticate`
   * @param choiceOf returns the service's provider of that type
   */
  constructor(
    private readonly reflector: Reflector,
    private readonly realm: string,
    private readonly choiceOf: (type: Type<ScopeChoice>) => ScopeChoice,
  ) {}

  /** Returns a promise only if the scope must be looked up: this is on the path of every request. */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const places = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride(NoToken, places)) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { caller, tokenError } = request;
    if (tokenError !== null && !(tokenError instanceof TokenRefusal)) throw tokenError;
    if (caller === null) throw this.unauthorized(tokenError?.message);
    const required = this.reflector.getAllAndOverride(RequiresScope, places);
    if (typeof required !== 'function') return this.allows(caller, required);
    return this.choiceOf(required)
      .scopeFor(request)
      .then((scope) => this.allows(caller, scope));
  }

  private allows({ scopes }: Caller, scope: Scope | undefined): true {
    if (scope === undefined || !scopes.has(scope)) throw this.forbidden(scope);
    return true;
  }

  private unauthorized(reason: string | undefined): Problem {
    const why = reason === undefined ? {} : { error: 'invalid_token', error_description: reason };
    const detail = reason ?? 'A bearer token is required: see the WWW-Authenticate header.';
    return new Problem(HttpStatus.UNAUTHORIZED, 'unauthorized', detail, {}, this.challenge(why));
  }

  private forbidden(scope: Scope | undefined): Problem {
    const why = { error: 'insufficient_scope', ...(scope !== undefined && { scope }) };
    const detail =
      scope === undefined ? 'No scope allows this request.' : `The token does not have the scope ${scope}.`;
    return new Problem(HttpStatus.FORBIDDEN, 'insufficient-scope', detail, {}, this.challenge(why));
  }

  /** Builds the `WWW-Authenticate` header (RFC 6750, section 3). */
  private challenge(parameters: Record<string, string>): Record<string, string> {
    const all = Object.entries({ realm: this.realm, ...parameters });
    return { 'WWW-Authenticate': `Bearer ${all.map(([name, value]) => `${name}="${value}"`).join(', ')}` };
  }
}
