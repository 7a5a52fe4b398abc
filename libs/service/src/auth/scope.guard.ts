import { HttpStatus, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../problem.js';
import type { Scope } from './scopes.js';
import { TokenRefusal } from './token-verifier.js';

/** What a token must allow for a route, or for all routes of a controller. */
export const RequiresScope = Reflector.createDecorator<Scope>();

/** For whoever watches the service: no token is asked for. */
export const NoToken = Reflector.createDecorator<true>();

/** Lets a request pass that brings what its route requires. A route that says nothing lets nobody pass. */
export class ScopeGuard implements CanActivate {
  /** @param realm told to whoever comes without a good token */
  constructor(
    private readonly reflector: Reflector,
    private readonly realm: string,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const places = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride(NoToken, places)) return true;
    const { caller, tokenError } = context.switchToHttp().getRequest<FastifyRequest>();
    if (tokenError !== null && !(tokenError instanceof TokenRefusal)) throw tokenError;
    if (caller === null) throw this.unauthorized(tokenError?.message);
    const scope = this.reflector.getAllAndOverride(RequiresScope, places);
    if (scope === undefined || !caller.scopes.has(scope)) throw this.forbidden(scope);
    return true;
  }

  private unauthorized(reason: string | undefined): Problem {
    const why = reason === undefined ? {} : { error: 'invalid_token', error_description: reason };
    const detail = reason ?? 'A bearer token is required: see the WWW-Authenticate header.';
    return new Problem(HttpStatus.UNAUTHORIZED, 'unauthorized', detail, {}, this.challenge(why));
  }

  private forbidden(scope: Scope | undefined): Problem {
    const why = { error: 'insufficient_scope', ...(scope !== undefined && { scope }) };
    const detail = scope === undefined ? 'Nobody may do this.' : `The token does not have the scope ${scope}.`;
    return new Problem(HttpStatus.FORBIDDEN, 'insufficient-scope', detail, {}, this.challenge(why));
  }

  /** RFC 6750, 3. */
  private challenge(parameters: Record<string, string>): Record<string, string> {
    const all = Object.entries({ realm: this.realm, ...parameters });
    return { 'WWW-Authenticate': `Bearer ${all.map(([name, value]) => `${name}="${value}"`).join(', ')}` };
  }
}
