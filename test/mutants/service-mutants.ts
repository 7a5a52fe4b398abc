import type { Mutant } from './mutant.js';

const LOGS = 'process/logs.ts';
const KEYS = 'auth/issuer-keys.ts';

/** Mutants of what all services share: logs without secrets, tokens while the issuer is away, the audit, and foreign pages. */
export const SERVICE_MUTANTS: readonly Mutant[] = [
  {
    name: 'log the headers of requests',
    file: LOGS,
    replace: 'req: ({ id, method, url, remoteAddress }: LoggedRequest) => ({',
    by: 'req: ({ id, method, url, remoteAddress, ...more }: LoggedRequest) => ({\n        ...more,',
    specs: 'logged-requests',
  },
  {
    name: 'log the headers of responses',
    file: LOGS,
    replace: 'res: ({ statusCode }: { readonly statusCode: number }) => ({ statusCode }),',
    by: 'res: (response: object) => response,',
    specs: 'logged-requests',
  },
  {
    name: 'log secrets of queries',
    file: LOGS,
    replace: 'url: loggedUrl(url)',
    by: 'url',
    specs: 'logged-requests',
  },
  {
    name: 'search whole parameters for the names of secrets',
    file: LOGS,
    replace: 'isSecret(parameter.slice(1, at))',
    by: 'isSecret(parameter)',
    specs: 'logged-requests',
  },
  {
    name: 'log URLs of any length',
    file: LOGS,
    replace: 'url.slice(0, MAX_URL_LENGTH)',
    by: 'url',
    specs: 'logged-requests',
  },
  {
    name: 'forget the keys of an issuer that is away',
    file: KEYS,
    replace: 'this.failures += 1;',
    by: 'this.failures += 1;\n      this.fetched = undefined;',
    specs: 'issuer-keys',
  },
  {
    name: 'blame a token whose key may be new',
    file: KEYS,
    replace: "if (this.isAway) throw this.unavailable('The key of the token is unknown', unknown);",
    by: '',
    specs: 'issuer-keys',
  },
  {
    name: 'keep keys for ever',
    file: KEYS,
    replace: 'return this.ageMs !== undefined && this.ageMs < this.options.maxAgeMs;',
    by: 'return this.ageMs !== undefined;',
    specs: 'issuer-keys',
  },
  {
    name: 'compare the end of a token with another clock than it was read by',
    file: 'auth/token-verifier.ts',
    replace: 'systemClock.now() + leftMs',
    by: 'Date.now() + leftMs',
    specs: 'token-verifier',
  },
  {
    name: 'leave out changes of a busy caller from the audit',
    file: 'audit/audit-requests.ts',
    replace: "outcome === 'refused' ? refusals.admits(callerKey(request)) : audit.onlyRefusals !== true",
    by: 'refusals.admits(callerKey(request))',
    specs: 'audit-requests',
  },
  {
    name: 'drop audit events while MongoDB is away',
    file: 'audit/audit-trail.ts',
    replace: 'await pause(this.parts.clock, RETRY_MS);',
    by: 'this.waiting.splice(0, batch.length);',
    specs: 'audit-trail',
  },
  {
    name: 'lose an audit event that is recorded while a write ends',
    file: 'audit/audit-trail.ts',
    replace: '    this.writing = undefined;',
    by: '    await undefined;\n    this.writing = undefined;',
    specs: 'audit-trail',
  },
  {
    name: 'lose an audit event that is recorded while the trail closes',
    file: 'audit/audit-trail.ts',
    replace: 'while (this.writing !== undefined) await this.writing;',
    by: 'await this.writing;',
    specs: 'audit-trail',
  },
  {
    name: 'accept pages of other ports of this machine',
    file: 'http/known-hosts.ts',
    replace: 'page.host === host.toLowerCase()',
    by: "page.hostname === host.split(':')[0]",
    specs: 'http-shell',
  },
  {
    name: 'accept writes of foreign pages whose browser sends no Origin',
    file: 'http/known-hosts.ts',
    replace: "site === 'cross-site' ||",
    by: '',
    specs: 'http-shell',
  },
];
