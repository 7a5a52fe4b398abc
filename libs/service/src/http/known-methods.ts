import { HttpStatus } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../problem.js';

interface Route {
  readonly url: string;
  readonly parts: readonly string[];
  readonly methods: readonly string[];
}

/** Answers 405 with `Allow`, not 404, where a path is known and the method isn't. Routes that are made after this call are known. */
export function refuseUnknownMethods(fastify: FastifyInstance): void {
  const routes: Route[] = [];
  fastify.addHook('onRoute', ({ url, method }) => {
    // The routes of plug-ins that take any path know of none.
    if (!url.includes('*')) routes.push({ url, parts: url.split('/'), methods: [method].flat() });
  });
  fastify.addHook('onRequest', ({ is404, method, url, routeOptions }, _reply, done) => {
    const path = url.split('?')[0] ?? '';
    // A path of its own that a route with a parameter has taken, such as `batch-get` for an id.
    const isTaken = routeOptions.url?.includes(':') === true;
    if (!is404 && !isTaken) return done();
    const there = routes.filter((route) => (is404 ? isAt(path.split('/'), route.parts) : isItself(path, route)));
    const allowed = new Set(there.flatMap(({ methods }) => methods));
    if (allowed.size === 0) return done();
    const Allow = [...allowed].toSorted().join(', ');
    const detail = `${path} takes ${Allow}, not ${method}.`;
    done(new Problem(HttpStatus.METHOD_NOT_ALLOWED, 'method-not-allowed', detail, {}, { Allow }));
  });
}

function isItself(path: string, { url }: Route): boolean {
  return url === path && !path.includes(':');
}

/** `/v1/orders/:id` takes any one segment for `:id`. */
function isAt(path: readonly string[], route: readonly string[]): boolean {
  return path.length === route.length && route.every((part, at) => part === path[at] || part.startsWith(':'));
}
