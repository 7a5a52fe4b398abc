import { HttpStatus, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../problem.js';
import type { Scope } from './scopes.js';
import { TokenRefusal, type Caller } from './token-verifier.js';

/** Where what a token must allow depends on what the request is about. A provider of the service's module. */
export interface ScopeChoice {
  scopeFor(request: FastifyRequest): Promise<Scope>;
}

/** What a token must allow for a route, or for all routes of a controller; or who says so of each request. */
export const RequiresScope = Reflector.createDecorator<Scope | Type<ScopeChoice>>();

/** For whoever watches the service: no token is asked for. */
export const NoToken = Reflector.createDecorator<true>();

/** Lets a request pass that brings what its route requires. A route that says nothing lets nobody pass. */
export class ScopeGuard implements CanActivate {
  /**
   * @param realm told to whoever comes without a good token
   * @param choiceOf the service's provider of that type
   */
  constructor(
    private readonly reflector: Reflector,
    private readonly realm: string,
    private readonly choiceOf: (type: Type<ScopeChoice>) => ScopeChoice,
  ) {}

  /** A promise only where the scope has to be found out: every request passes here. */
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
    const detail = scope === undefined ? 'Nobody may do this.' : `The token does not have the scope ${scope}.`;
    return new Problem(HttpStatus.FORBIDDEN, 'insufficient-scope', detail, {}, this.challenge(why));
  }

  /** RFC 6750, 3. */
  private challenge(parameters: Record<string, string>): Record<string, string> {
    const all = Object.entries({ realm: this.realm, ...parameters });
    return { 'WWW-Authenticate': `Bearer ${all.map(([name, value]) => `${name}="${value}"`).join(', ')}` };
  }
}
