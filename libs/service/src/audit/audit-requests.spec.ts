import { HttpStatus } from '@nestjs/common';
import { beforeEach, describe, expect, it } from '@jest/globals';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { Problem } from '../http/problem.js';
import { withProblems } from '../http/testing/served-app.js';
import type { AuditFacts } from './audit-trail.js';
import { auditRequests, UNLISTED_REFUSALS, audited } from './audit-requests.js';

const ID = '0197f5a2-8a52-7000-8000-0000000000aa';

describe('audited requests', () => {
  let clock: ManualClock;
  let app: FastifyInstance;
  let recorded: AuditFacts[];

  beforeEach(() => {
    clock = new ManualClock();
    recorded = [];
    app = withProblems(fastify({ genReqId: () => 'request-1' }));
    app.decorateRequest('caller', null);
    app.addHook('onRequest', (request, _reply, done) => {
      const { 'x-subject': subject } = request.headers;
      if (subject === undefined) return done(new Problem(HttpStatus.UNAUTHORIZED, 'unauthorized', 'No token.'));
      request.caller = { subject: String(subject), clientId: 'desk', scopes: new Set(), validUntil: 0 };
      done();
    });
    auditRequests(app, (facts) => recorded.push(facts), clock);
    app.post('/populate', { config: audited('populate') }, async (_request, reply) =>
      reply.code(202).header('Location', `/v1/operations/${ID}`).send({}),
    );
    app.post('/operations/:id/pause', { config: audited('pause') }, () => {
      throw new Problem(HttpStatus.CONFLICT, 'has-ended', 'It has ended.');
    });
    app.post('/broken', { config: audited('break') }, () =>
      Promise.reject(new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'away', 'Retry.')),
    );
    app.post('/orders', { config: audited('send-orders', { onlyRefusals: true }) }, async () => ({}));
    app.get('/read', async () => ({}));
    const onlyProblems = { when: ({ problemCode }: FastifyRequest) => problemCode !== undefined };
    app.post('/forwarded/*', { config: audited('forward', onlyProblems) }, async () => ({}));
  });

  async function send(url: string, subject?: string): Promise<void> {
    const method = url === '/read' ? 'GET' : 'POST';
    const headers = { ...(subject !== undefined && { 'x-subject': subject }), cookie: 'canary' };
    await app.inject({ url, method, headers });
  }

  it('are recorded with who sent them, what they are about, and what came of them', async () => {
    await send('/populate', 'ada');
    await send(`/operations/${ID}/pause`, 'ada');
    await send('/broken', 'ada');
    const who = { subject: 'ada', clientId: 'desk', ip: '127.0.0.1', requestId: 'request-1' };
    expect(recorded).toEqual([
      { action: 'populate', ...who, target: ID, outcome: 'done', status: 202, code: null },
      { action: 'pause', ...who, target: ID, outcome: 'refused', status: 409, code: 'has-ended' },
      { action: 'break', ...who, target: null, outcome: 'failed', status: 503, code: 'away' },
    ]);
  });

  it('are recorded when a hook refuses them before their handler', async () => {
    await send(`/operations/${ID}/pause`);
    expect(recorded).toEqual([
      expect.objectContaining({ action: 'pause', subject: null, target: ID, outcome: 'refused', code: 'unauthorized' }),
    ]);
  });

  it('are recorded only when refused, on a route with thousands a second; and reads never', async () => {
    await send('/orders', 'ada');
    await send('/read', 'ada');
    await send('/read');
    expect(recorded).toEqual([]);
    await send('/orders');
    expect(recorded).toMatchObject([{ action: 'send-orders', outcome: 'refused', status: 401 }]);
  });

  it('are recorded only when the route says so', async () => {
    await send('/forwarded/', 'ada');
    await send('/forwarded/');
    expect(recorded).toMatchObject([{ action: 'forward', status: 401, target: null }]);
  });

  it('count refusals beyond 60 of one caller in a minute, and never leave out what was done', async () => {
    for (let n = 0; n < 100; n += 1) await send(`/operations/${ID}/pause`, 'mallory');
    await send(`/operations/${ID}/pause`, 'ada');
    for (let n = 0; n < 61; n += 1) await send('/populate', 'mallory');
    const of = (subject: string, outcome: string): number =>
      recorded.filter((facts) => facts.subject === subject && facts.outcome === outcome).length;
    expect([of('mallory', 'refused'), of('ada', 'refused'), of('mallory', 'done')]).toEqual([60, 1, 61]);
    await clock.advance(60_000);
    expect(recorded.at(-1)).toMatchObject({ action: UNLISTED_REFUSALS, outcome: 'refused', count: 40 });
    await send(`/operations/${ID}/pause`, 'mallory');
    expect(of('mallory', 'refused')).toBe(61);
  });

  it('count refusals beyond 600 of all callers in a minute', async () => {
    for (let n = 0; n < 610; n += 1) await send(`/operations/${ID}/pause`, `bot-${n}`);
    expect(recorded).toHaveLength(600);
    await clock.advance(60_000);
    expect(recorded.at(-1)).toMatchObject({ count: 10 });
  });
});
