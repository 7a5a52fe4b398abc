import { HttpStatus } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { Problem } from './problem.js';

interface Route {
  readonly url: string;
  readonly parts: readonly string[];
  readonly methods: readonly string[];
}

/** Answers 405 with `Allow`, not 404, for an unknown method of a known path. Call it before the routes are registered. */
export function rejectUnknownMethods(fastify: FastifyInstance): void {
  const routes: Route[] = [];
  fastify.addHook('onRoute', ({ url, method }) => {
    // Skip the catch-all routes of plug-ins.
    if (!url.includes('*')) routes.push({ url, parts: url.split('/'), methods: [method].flat() });
  });
  fastify.addHook('onRequest', ({ is404, method, url, routeOptions }, _reply, done) => {
    const path = url.split('?')[0] ?? '';
    // A parameter route may match a path that has its own route, such as `batch-get` as an id.
    const isTaken = routeOptions.url?.includes(':') === true;
    if (!is404 && !isTaken) return done();
    const matching = routes.filter((route) => (is404 ? isAt(path.split('/'), route.parts) : isItself(path, route)));
    const allowed = new Set(matching.flatMap(({ methods }) => methods));
    if (allowed.size === 0) return done();
    const Allow = [...allowed].toSorted().join(', ');
    const detail = `${path} supports ${Allow}, not ${method}.`;
    done(new Problem(HttpStatus.METHOD_NOT_ALLOWED, 'method-not-allowed', detail, {}, { Allow }));
  });
}

function isItself(path: string, { url }: Route): boolean {
  return url === path && !path.includes(':');
}

/** Matches a path with a route; `:id` in `/v1/orders/:id` matches any one segment. */
function isAt(path: readonly string[], route: readonly string[]): boolean {
  return path.length === route.length && route.every((part, at) => part === path[at] || part.startsWith(':'));
}
