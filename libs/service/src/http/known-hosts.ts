import { HttpStatus } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { Problem } from './problem.js';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Returns whether a service that listens on this host is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Rejects requests for another host, or from a page of another origin. A service without tokens trusts every client that can
 * reach it, and any web page can make a browser send requests to loopback: with a form (`Origin`), or with a host name that
 * resolves to 127.0.0.1 (`Host`, DNS rebinding). A page of another port of this machine is foreign too: it may be any program's.
 * @param hosts accepted host names in addition to those of loopback
 * @param origins accepted origins of pages on other hosts
 */
export function rejectForeignHosts(
  fastify: FastifyInstance,
  { hosts, origins }: { readonly hosts: readonly string[]; readonly origins: readonly string[] },
): void {
  const known = new Set([...LOOPBACK, ...hosts]);
  const allowed = { hosts: new Set(hosts), origins: new Set(origins) };
  fastify.addHook('onRequest', ({ headers: { host, origin } }, _reply, done) => {
    if (!known.has(nameOf(host))) done(new Problem(HttpStatus.MISDIRECTED, 'foreign-host', foreign('Host', host)));
    else if (origin !== undefined && !allowed.origins.has(origin) && !isOwn(origin, host, allowed.hosts))
      done(new Problem(HttpStatus.FORBIDDEN, 'foreign-origin', foreign('Origin', origin)));
    else done();
  });
}

/**
 * Rejects requests that a page of another origin sends, unless they only read: a browser adds the password that a user has entered for
 * this host, and lets no foreign page read the answer.
 * @param hosts names under which this service is reached, if a proxy changes the `Host` header
 * @param origins accepted origins of pages on other hosts
 */
export function rejectForeignWrites(
  fastify: FastifyInstance,
  { hosts, origins }: { readonly hosts: readonly string[]; readonly origins: readonly string[] },
): void {
  const allowed = { hosts: new Set(hosts), origins: new Set(origins) };
  fastify.addHook('onRequest', ({ method, headers }, _reply, done) => {
    const { host, origin, 'sec-fetch-site': site } = headers;
    const isForeign = site === 'cross-site' || (origin !== undefined && !isOwn(origin, host, allowed.hosts));
    if (method === 'GET' || method === 'HEAD' || !isForeign || allowed.origins.has(origin ?? '')) return done();
    const given = origin?.slice(0, 100) ?? 'absent, and Sec-Fetch-Site is cross-site';
    const detail = `Pages of other origins may only read; the Origin header is ${given} (setting CORS_ORIGINS).`;
    done(new Problem(HttpStatus.FORBIDDEN, 'foreign-origin', detail));
  });
}

/** A name or an address, with an optional port (RFC 9110, section 7.2). */
const HOST = /^(?<name>\[[^[\]]*\]|[^:[\]]*)(?::\d*)?$/;

/** Returns the name in a `Host` header; empty if the header is invalid. */
function nameOf(host = ''): string {
  return HOST.exec(host)?.groups?.['name']?.toLowerCase() ?? '';
}

/** Returns whether a page comes from the address that the request was sent to, or from a host in ALLOWED_HOSTS, such as a proxy's. */
function isOwn(origin: string, host = '', hosts: ReadonlySet<string>): boolean {
  const page = URL.parse(origin);
  return page !== null && (page.host === host.toLowerCase() || hosts.has(page.hostname));
}

function foreign(header: string, value: string | undefined): string {
  const given = String(value).slice(0, 100);
  return `This service accepts requests for this machine only; the ${header} header is ${given} (setting ${header === 'Host' ? 'ALLOWED_HOSTS' : 'CORS_ORIGINS'}).`;
}

/** Returns whether no third party can read or change what is sent to an address: https, or http to this machine. */
export function isConfidential(address: string): boolean {
  const { protocol, hostname = '' } = URL.parse(address) ?? {};
  return protocol === 'https:' || isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'));
}
