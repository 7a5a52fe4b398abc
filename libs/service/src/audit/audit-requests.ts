import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyContextConfig, FastifyRequest, FastifyInstance, FastifyReply, onSendHookHandler } from 'fastify';
import type { Clock } from '@orders-pipeline/clock';
import { callerKey } from '../http/concurrency-limit.js';
import type { AuditFacts, Outcome } from './audit-trail.js';

/** What the audit records of a route's requests. */
interface AuditedRoute {
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

/** The action of an event that stands for the refusals of a minute that are not listed one by one. */
export const UNLISTED_REFUSALS = 'unlisted-refusals';

/**
 * Records what comes of each request of an audited route, when its response is sent or its client has disconnected. The hook belongs to
 * those routes only, so that it costs the others nothing. Call it before the routes are registered.
 * @returns a function that records what was only counted so far
 */
export function auditRequests(fastify: FastifyInstance, record: (facts: AuditFacts) => void, clock: Clock): () => void {
  const refusals = new RefusalLimit(clock, (count) => record(unlisted(count)));
  fastify.addHook('onRoute', (route) => {
    const audit = route.config?.audit;
    if (audit === undefined) return;
    const onSend: onSendHookHandler = (request, reply, _payload, done) => {
      if (audit.when?.(request) === false) return done();
      const outcome = outcomeOf(reply.statusCode);
      const isAdmitted = outcome === 'refused' ? refusals.admits(callerKey(request)) : audit.onlyRefusals !== true;
      if (isAdmitted) record(factsOf(audit, request, reply));
      done();
    };
    route.onSend = [...[route.onSend ?? []].flat(), onSend];
  });
  return () => refusals.endWindow();
}

function factsOf({ action, client }: AuditedRoute, request: FastifyRequest, reply: FastifyReply): AuditFacts {
  const { caller, id, ip, problemCode = null } = request;
  const { statusCode: status } = reply;
  return {
    action,
    subject: caller?.subject ?? null,
    clientId: caller?.clientId ?? client?.(request) ?? null,
    ip,
    requestId: id,
    target: targetOf(request, reply),
    outcome: outcomeOf(status),
    status,
    code: problemCode,
  };
}

function outcomeOf(status: number): Outcome {
  if (status < 400) return 'done';
  return status < 500 ? 'refused' : 'failed';
}

/** Returns what the path names, or else what the request has created. */
function targetOf({ params }: FastifyRequest, reply: FastifyReply): string | null {
  const [named] = Object.values((params ?? {}) as Record<string, unknown>);
  if (typeof named === 'string' && named !== '') return named;
  const created = reply.getHeader('Location');
  return typeof created === 'string' ? (created.split('/').at(-1) ?? null) : null;
}

function unlisted(count: number): AuditFacts {
  const noCaller = { subject: null, clientId: null, ip: '', requestId: '', target: null };
  return { action: UNLISTED_REFUSALS, ...noCaller, outcome: 'refused', status: 0, code: null, count };
}

/** Recorded refusals of one caller, and of all callers, in a window. */
const PER_CALLER = 60;
const IN_TOTAL = 600;
const WINDOW_MS = 60_000;

/**
 * Limits how many refusals are recorded: a client without a token could otherwise fill the database. The others are counted. Changes that
 * were made are never limited.
 */
class RefusalLimit {
  private readonly recorded = new Map<string, number>();
  private total = 0;
  private unrecorded = 0;
  private cancel: (() => void) | undefined;

  /** @param onUnrecorded called at the end of a window with the number of refusals that were only counted, if there were any */
  constructor(
    private readonly clock: Clock,
    private readonly onUnrecorded: (count: number) => void,
  ) {}

  /** Returns whether to record this refusal, and counts it otherwise. */
  admits(caller: string): boolean {
    this.cancel ??= this.clock.after(WINDOW_MS, () => this.endWindow());
    const own = this.recorded.get(caller) ?? 0;
    if (own >= PER_CALLER || this.total >= IN_TOTAL) {
      this.unrecorded += 1;
      return false;
    }
    this.recorded.set(caller, own + 1);
    this.total += 1;
    return true;
  }

  /** Ends the window, such as before the process does. */
  endWindow(): void {
    this.cancel?.();
    this.cancel = undefined;
    const count = this.unrecorded;
    this.recorded.clear();
    this.total = 0;
    this.unrecorded = 0;
    if (count > 0) this.onUnrecorded(count);
  }
}
