import { HttpStatus } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../problem.js';

interface Route {
  readonly parts: readonly string[];
  readonly methods: readonly string[];
}

/** Answers 405 with `Allow`, not 404, where a path is known and the method isn't. Routes that are made after this call are known. */
export function refuseUnknownMethods(fastify: FastifyInstance): void {
  const routes: Route[] = [];
  fastify.addHook('onRoute', ({ url, method }) => {
    // The routes of plug-ins that take any path know of none.
    if (!url.includes('*')) routes.push({ parts: url.split('/'), methods: [method].flat() });
  });
  fastify.addHook('onRequest', async ({ is404, method, url, routeOptions }) => {
    const path = url.split('?')[0] ?? '';
    // A path of its own that a route with a parameter has taken, such as `batch-get` for an id.
    const isTaken = routeOptions.url?.includes(':') === true;
    if (!is404 && !isTaken) return;
    const there = routes.filter(({ parts }) => (is404 ? isAt(path.split('/'), parts) : isItself(path, parts)));
    const allowed = new Set(there.flatMap(({ methods }) => methods));
    if (allowed.size === 0) return;
    const Allow = [...allowed].toSorted().join(', ');
    const detail = `${path} takes ${Allow}, not ${method}.`;
    throw new Problem(HttpStatus.METHOD_NOT_ALLOWED, 'method-not-allowed', detail, {}, { Allow });
  });
}

function isItself(path: string, route: readonly string[]): boolean {
  return route.join('/') === path && !path.includes(':');
}

/** `/v1/orders/:id` takes any one segment for `:id`. */
function isAt(path: readonly string[], route: readonly string[]): boolean {
  return path.length === route.length && route.every((part, at) => part === path[at] || part.startsWith(':'));
}
