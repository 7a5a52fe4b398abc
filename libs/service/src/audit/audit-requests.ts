import type { FastifyInstance, FastifyReply, FastifyRequest, onSendHookHandler } from 'fastify';
import type { Clock } from '@orders-pipeline/clock';
import { callerKey } from '../http/caller-key.js';
import type { AuditFacts, Outcome } from './audit-event.js';
import type { AuditedRoute } from './audited.js';
import { RefusalLimit } from './refusal-limit.js';

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
