import { HttpStatus } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../problem.js';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether a service that listens there can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Refuses requests that were made for another host, or by a page of another one. A service without tokens trusts whoever reaches it, and a
 * web page of anybody's can make a browser reach loopback: by a form (`Origin`), or by a name of its own that it turns to 127.0.0.1
 * (`Host`, DNS rebinding).
 * @param hosts names beside those of loopback
 * @param origins whose pages may call it all the same
 */
export function refuseForeignHosts(
  fastify: FastifyInstance,
  { hosts, origins }: { readonly hosts: readonly string[]; readonly origins: readonly string[] },
): void {
  const known = new Set([...LOOPBACK, ...hosts]);
  const welcome = new Set(origins);
  fastify.addHook('onRequest', ({ headers: { host, origin } }, _reply, done) => {
    if (!known.has(nameOf(host))) done(new Problem(HttpStatus.MISDIRECTED, 'foreign-host', foreign('Host', host)));
    else if (origin !== undefined && !welcome.has(origin) && !known.has(hostOf(origin)))
      done(new Problem(HttpStatus.FORBIDDEN, 'foreign-origin', foreign('Origin', origin)));
    else done();
  });
}

/** A name or an address, and perhaps a port: RFC 9110, 7.2. */
const HOST = /^(?<name>\[[^[\]]*\]|[^:[\]]*)(?::\d*)?$/;

/** Of a `Host` header; empty for what is none. */
function nameOf(host = ''): string {
  return HOST.exec(host)?.groups?.['name']?.toLowerCase() ?? '';
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : '';
}

function foreign(header: string, value: string | undefined): string {
  const given = String(value).slice(0, 100);
  return `This service takes requests for this machine only, and its ${header} says ${given} (setting ALLOWED_HOSTS).`;
}
