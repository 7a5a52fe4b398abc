import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyContextConfig, FastifyRequest } from 'fastify';

/** What the audit records of a route's requests. */
export interface AuditedRoute {
  /** In one word, such as `populate`. */
  readonly action: string;
  /** Only refused requests (4xx), for routes with thousands of requests per second. Default: all requests. */
  readonly onlyRefusals?: boolean;
  /** Whether to audit a request, once it has its response. Default: true. */
  readonly when?: (request: FastifyRequest) => boolean;
  /** Returns the client of a request without tokens, such as that of an API key. */
  readonly client?: (request: FastifyRequest) => string | null;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route changes something: its requests are audited, also those that are refused before its handler. */
    audit?: AuditedRoute;
  }
}

/** The part of a route's configuration that has its requests audited. */
export function audited(action: string, options: Omit<AuditedRoute, 'action'> = {}): FastifyContextConfig {
  return { audit: { action, ...options } };
}

/** Has the requests of a route audited. A route with another `@RouteConfig` adds `audited` to that instead: only one has an effect. */
export function Audited(action: string, options: Omit<AuditedRoute, 'action'> = {}): MethodDecorator {
  return RouteConfig(audited(action, options));
}
