import type { CanActivate, ExecutionContext, Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { insufficientScope, requireCaller } from './authenticate.js';
import type { Scope } from './scopes.js';
import type { Caller } from './token-verifier.js';

/** Chooses the required scope per request, if it depends on the request's target. A provider of the service's module. */
export interface ScopeChoice {
  scopeFor(request: FastifyRequest): Promise<Scope>;
}

/** Declares the scope that a route or a controller requires, all of several scopes, or the provider that chooses it per request. */
export const RequiresScope = Reflector.createDecorator<Scope | readonly Scope[] | Type<ScopeChoice>>();

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
    const caller = requireCaller(request, this.realm);
    const required = this.reflector.getAllAndOverride(RequiresScope, places);
    if (typeof required === 'object') return required.every((scope) => this.allows(caller, scope));
    if (typeof required !== 'function') return this.allows(caller, required);
    return this.choiceOf(required)
      .scopeFor(request)
      .then((scope) => this.allows(caller, scope));
  }

  private allows({ scopes }: Caller, scope: Scope | undefined): true {
    if (scope === undefined || !scopes.has(scope)) throw insufficientScope(scope, this.realm);
    return true;
  }
}
