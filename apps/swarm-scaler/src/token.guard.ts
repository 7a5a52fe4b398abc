import { createHash, timingSafeEqual } from 'node:crypto';
import { HttpStatus, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { bearerToken } from '#service/auth/bearer-token.js';
import { NoToken } from '#service/auth/scope.guard.js';
import { Problem } from '#service/http/problem.js';

/** Admits requests that bear the one token, and those for health and metrics. */
export class TokenGuard implements CanActivate {
  private readonly expected: Buffer;
  private readonly reflector = new Reflector();

  constructor(token: string) {
    this.expected = digestOf(token);
  }

  canActivate(context: ExecutionContext): true {
    if (this.reflector.getAllAndOverride(NoToken, [context.getHandler(), context.getClass()])) return true;
    const given = bearerToken(context.switchToHttp().getRequest<FastifyRequest>().raw.rawHeaders);
    if (given !== undefined && 'token' in given && timingSafeEqual(digestOf(given.token), this.expected)) return true;
    throw new Problem(
      HttpStatus.UNAUTHORIZED,
      'unauthorized',
      'The bearer token of SCALER_TOKEN is required.',
      {},
      { 'WWW-Authenticate': 'Bearer realm="swarm-scaler"' },
    );
  }
}

/** Digests have the same length, so that a comparison takes the same time for every token. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
