import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { POPULATE, type GuardedStack } from './guarded-stack.js';

interface Event {
  readonly service: string;
  readonly subject: string | null;
}

/** @param shared returns the stack that these specs share with others */
export function auditSpecs(shared: () => GuardedStack): void {
  /** Returns all audit events of a query, page by page. */
  async function auditOf(query: string): Promise<Event[]> {
    const token = await shared().issuer.token();
    const events: Event[] = [];
    for (let path: string | undefined = `/v1/audit?${query}`; path !== undefined;) {
      const { items, page } = (await (await shared().request(path, token)).json()) as {
        items: Event[];
        page: { next?: string };
      };
      events.push(...items);
      path = page.next;
    }
    return events;
  }

  it('records what was done and what was refused, but no reads, and lists it by pages', async () => {
    const stack = shared();
    const claims = { sub: 'auditor', client_id: 'desk' };
    const token = await stack.issuer.token({ claims });
    const reader = await stack.issuer.token({ claims: { ...claims, scope: 'orders:read' } });
    const requestId = 'audit-1';
    const populated = await stack.request('/v1/populate', token, {
      ...POPULATE,
      headers: { 'x-request-id': requestId },
    });
    const { id } = (await populated.json()) as { id: string };
    await stack.savedBy(id, token);
    await stack.request(`/v1/operations/${id}/cancel`, token, { method: 'POST' });
    await stack.request('/v1/populate', reader, POPULATE);
    await stack.request('/v1/populate', token, { method: 'POST', body: '{"count": 0}' });
    await stack.request('/v1/pipeline/consumers', reader, { method: 'POST', body: '{}' });
    await stack.request('/v1/orders', reader, { method: 'POST', body: '{"accountId": "canary"}' });
    const producer = { service: 'producer', subject: 'auditor', clientId: 'desk', ip: '127.0.0.1' };
    const refused = { ...producer, outcome: 'refused', target: null };
    const expected = [
      { ...producer, action: 'populate', target: id, outcome: 'done', status: 202, code: null, requestId },
      { ...refused, action: 'cancel', target: id, status: 409 },
      { ...refused, action: 'populate', status: 403, code: 'insufficient-scope' },
      { ...refused, action: 'populate', status: 400, code: 'invalid-request' },
      { ...refused, action: 'send-orders', status: 403 },
    ];
    const anonymous = await fetch(`${stack.pipeline.consoleUrl}/v1/populate`, POPULATE);
    expect(anonymous.status).toBe(401);
    await eventually('the refusal of the forwarder is stored', async () => {
      const [forwarded] = await auditOf('action=forward-populate');
      return forwarded?.service === 'console' && forwarded.subject === null;
    });
    await eventually('all are stored', async () => (await auditOf('subject=auditor')).length === 6);
    const events = await auditOf('subject=auditor&pageSize=2');
    expect(events.filter(({ service }) => service === 'producer')).toMatchObject(expected.toReversed());
    expect(events.filter(({ service }) => service !== 'producer')).toMatchObject([
      { ...refused, service: 'console', action: 'scale', status: 403 },
    ]);
    expect(JSON.stringify(events)).not.toContain('canary');
    expect(await auditOf(`target=${id}&outcome=done`)).toHaveLength(1);
    const log = await readFile(join(stack.pipeline.dataDirectory, 'logs', 'producer.log'), 'utf8');
    expect(log.split('\n').filter((line) => line.includes('"subject":"auditor"'))).toHaveLength(expected.length);
  });

  it('lists events only to tokens with the scope audit:read, which clients do not request by default', async () => {
    const { issuer, pipeline } = shared();
    const token = await issuer.token({ claims: { scope: 'orders:read orders:write ops:scale dead-letters:redrive' } });
    const { status, challenge } = await shared().refusal('/v1/audit', token);
    expect([status, challenge]).toEqual([403, expect.stringContaining('scope="audit:read"')]);
    const described = await fetch(`${pipeline.queryApiUrl}/.well-known/oauth-protected-resource`);
    expect(await described.text()).not.toContain('audit:read');
    expect((await shared().refusal('/v1/audit?who=ada', await issuer.token())).body.code).toBe('invalid-request');
  });
}
