import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { expect, it } from '@jest/globals';
import { operationsCollection, type OperationDocument } from '#orders/operation/operation.js';
import { eventually } from '../support/eventually.js';
import type { TestSystem } from '../support/test-system.js';
import type { GuardedStack } from './guarded-stack.js';

const CANARY = 'canary';
/** An operation that the API can not show: the response is a 500. */
const BROKEN = '0197f5a2-8a52-7000-8000-00000000dead';

interface Attempt {
  readonly base: string;
  readonly path: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sends only a part of the body. */
  readonly isSlow?: boolean;
}

/** @param shared returns the stack that these specs share with others */
export function canarySpecs(shared: () => GuardedStack): void {
  it('have no secret of a request that fails, in whichever way', async () => {
    const { pipeline, issuer } = shared();
    const token = await issuer.token({ claims: { jti: CANARY } });
    const reader = await issuer.token({ claims: { jti: CANARY, scope: 'orders:read' } });
    const broken = { _id: BROKEN, kind: 'populate', status: 'succeeded', requestedAt: new Date() };
    await operationsCollection(pipeline.db).insertOne(broken as unknown as OperationDocument);
    try {
      await Promise.all(attempts(pipeline, token, reader).map(send));
    } finally {
      await operationsCollection(pipeline.db).deleteOne({ _id: BROKEN });
    }
    await eventually('the failures are logged', () => {
      const logs = logsOf(pipeline);
      return [`${BROKEN}?page=1`, '"statusCode":408', 'insufficient-scope'].every((text) => logs.includes(text));
    });
    const logs = logsOf(pipeline);
    for (const secret of [CANARY, base64(CANARY), base64(`ada:${CANARY}`), ...secretsOf(token), ...secretsOf(reader)])
      expect({ secret, at: around(logs, secret) }).toEqual({ secret, at: undefined });
  });
}

/** The claims and the signature of a token; its header is no secret. */
function secretsOf(token: string): readonly string[] {
  return token.split('.').slice(1);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64').replace(/=+$/, '');
}

function around(logs: string, secret: string): string | undefined {
  const at = logs.toLowerCase().indexOf(secret.toLowerCase());
  return at === -1 ? undefined : logs.slice(Math.max(0, at - 200), at + 100);
}

function attempts(stack: TestSystem, token: string, reader: string): Attempt[] {
  const { producerUrl, queryApiUrl, consoleUrl } = stack;
  const bearer = { authorization: `Bearer ${token}` };
  const all = [producerUrl, consoleUrl];
  const broken = `/v1/operations/${BROKEN}?page=1&access_token=${CANARY}`;
  return [
    ...[...all, queryApiUrl].flatMap((base): Attempt[] => {
      const path = base === queryApiUrl ? '/v1/orders' : '/v1/operations';
      return [
        { base, path, status: 401, headers: { authorization: `Bearer ${CANARY}.${CANARY}.${CANARY}` } },
        { base, path, status: 401, headers: { authorization: `Basic ${base64(`ada:${CANARY}`)}` } },
        { base, path, status: 401, headers: { 'x-api-key': CANARY, cookie: `session=${CANARY}` } },
        { base, path: `${path}/no-uuid`, status: 400, headers: bearer },
        { base, path: `/${path}/nowhere`, status: 404, headers: bearer },
      ];
    }),
    ...all.flatMap((base): Attempt[] => {
      const populate = { base, path: '/v1/populate', headers: bearer };
      return [
        { ...populate, status: 403, headers: { authorization: `Bearer ${reader}` }, body: '{"count": 1}' },
        { ...populate, status: 400, body: `{"password": "${CANARY}"` },
        { ...populate, status: 400, body: `{"count": "${CANARY}"}` },
        { ...populate, status: 413, body: `{"count": "${CANARY.repeat(20_000)}"}` },
        { ...populate, status: 408, body: `{"password": "${CANARY}"`, isSlow: true },
        { base, path: broken, status: 500, headers: bearer },
      ];
    }),
  ];
}

async function send({ base, path, status, headers = {}, body, isSlow = false }: Attempt): Promise<void> {
  const size = {
    'content-length': String((body?.length ?? 0) + (isSlow ? 100 : 0)),
    'content-type': 'application/json',
  };
  const sent = request(`${base}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...headers, ...(body !== undefined && size) },
  });
  if (isSlow) sent.write(body);
  else sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  expect({ base, path, status: response.statusCode }).toEqual({ base, path, status });
  sent.destroy();
}

function logsOf(stack: TestSystem): string {
  return stack
    .writtenTexts()
    .map(([, text]) => text)
    .join('\n');
}
